rule judge_claims:
    input:
        scores=lambda w: required(plan.scored()),
        claims="config/claims.yaml",
    output:
        verdicts=f"{plan.root}/claims/verdicts.json",
        seal=f"{plan.root}/seals/judge_claims.json",
    log:
        f"{plan.root}/logs/judge_claims.log",
    benchmark:
        f"{plan.root}/benchmarks/judge_claims.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("judge_claims"),
        models=lambda w: plan.trained(),
    shell:
        "python scripts/judge_claims.py --claims {input.claims:q} --models {params.models:q} "
        "--scores {input.scores:q} --out {output.verdicts:q} --seal {output.seal:q} 2> {log:q}"


rule write_config:
    output:
        config=f"{plan.root}/config.json",
        seal=f"{plan.root}/seals/write_config.json",
    log:
        f"{plan.root}/logs/write_config.log",
    benchmark:
        f"{plan.root}/benchmarks/write_config.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("write_config"),
        config=lambda w: study.model_dump_json(),
    shell:
        "python scripts/write_config.py --config {params.config:q} --out {output.config:q} --seal {output.seal:q} 2> {log:q}"


rule write_report:
    input:
        made=lambda w: required(plan.made(name) for name in study.outputs),
        verdicts=f"{plan.root}/claims/verdicts.json",
        config=f"{plan.root}/config.json",
        look=expand(
            "scripts/robustgen/report/{name}",
            name=["page.html", "origins.html", "page.css"],
        ),
    output:
        report=f"{plan.root}/report.html",
        seal=f"{plan.root}/seals/write_report.json",
    log:
        f"{plan.root}/logs/write_report.log",
    benchmark:
        f"{plan.root}/benchmarks/write_report.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("write_report"),
    shell:
        "python scripts/write_report.py --config {input.config:q} --out {output.report:q} --seal {output.seal:q} 2> {log:q}"
