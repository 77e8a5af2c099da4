rule judge_claims:
    input:
        inputs("judge_claims"),
    output:
        **outputs("judge_claims"),
    log:
        log_of("judge_claims"),
    benchmark:
        benchmark_of("judge_claims")
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda w: code(
            "judge_claims", *sorted({statistics_of(one.statistic) for one in claims})
        ),
        models=lambda w: plan.model_facts(),
        rows=lambda w: json.dumps(plan.judged()),
    shell:
        "python scripts/judge_claims.py --claims {input.claims:q} --models {params.models:q} "
        "--rows {params.rows:q} --out {output.verdicts_json:q} --seal {output.seal:q} 2> {log:q}"


rule write_config:
    output:
        **outputs("write_config"),
    log:
        log_of("write_config"),
    benchmark:
        benchmark_of("write_config")
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("write_config"),
        config=lambda w: study.model_dump_json(),
    shell:
        "python scripts/write_config.py --config {params.config:q} --out {output.config_json:q} --seal {output.seal:q} 2> {log:q}"


rule write_report:
    input:
        inputs("write_report"),
        look=expand(
            "scripts/robustgen/report/{name}",
            name=[
                "page.html",
                "answer.html",
                "chapter.html",
                "images.html",
                "macros.html",
                "missing.html",
                "origins.html",
                "page.css",
                "page.js",
            ],
        ),
        order="config/report.yaml",
    output:
        **outputs("write_report"),
    log:
        log_of("write_report"),
    benchmark:
        benchmark_of("write_report")
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("write_report"),
        config=f"{plan.root}/config.json",
    shell:
        "python scripts/write_report.py --config {params.config:q} --out {output.report_html:q} --seal {output.seal:q} 2> {log:q}"
