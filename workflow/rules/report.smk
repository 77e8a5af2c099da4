rule judge_claims:
    input:
        scores=plan.scored(),
        claims="config/claims.yaml",
    output:
        f"{plan.root}/claims/verdicts.json",
    log:
        f"{plan.root}/logs/judge_claims.log",
    benchmark:
        f"{plan.root}/benchmarks/judge_claims.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        code=code("judge_claims"),
        models=plan.trained(),
    shell:
        "python scripts/judge_claims.py --claims {input.claims} --models {params.models:q} "
        "--scores {input.scores} --out {output} 2> {log}"


rule write_config:
    output:
        f"{plan.root}/config.json",
    log:
        f"{plan.root}/logs/write_config.log",
    benchmark:
        f"{plan.root}/benchmarks/write_config.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        code=code("write_config"),
        config=study.model_dump_json(),
    shell:
        "python scripts/write_config.py --config {params.config:q} --out {output} 2> {log}"


rule write_report:
    input:
        made=[plan.made(name) for name in study.outputs],
        verdicts=f"{plan.root}/claims/verdicts.json",
        config=f"{plan.root}/config.json",
        look=expand(
            "scripts/robustgen/report/{name}",
            name=["page.html", "origins.html", "page.css"],
        ),
    output:
        f"{plan.root}/report.html",
    log:
        f"{plan.root}/logs/write_report.log",
    benchmark:
        f"{plan.root}/benchmarks/write_report.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        code=code("write_report"),
    shell:
        "python scripts/write_report.py --config {input.config} --out {output} 2> {log}"
