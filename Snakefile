from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/attacks.smk"
include: "workflow/rules/measures.smk"
include: "workflow/rules/detect.smk"
include: "workflow/rules/outputs.smk"
include: "workflow/rules/report.smk"


# short, and some need a network, which compute nodes often lack
localrules:
    all,
    data,
    fetch,
    load_data,
    split_data,
    detect,
    make_table,
    draw_figure,
    judge_claims,
    write_config,
    write_report,


rule all:
    default_target: True
    input:
        lambda w: [plan.made(name) for name in study.outputs],
        f"{plan.root}/report.html",


rule data:
    input:
        lambda w: [job.files[0] for job in jobs(plan) if job.rule == "fetch"],


onstart:
    remember(CODES)


onerror:
    salvage()
