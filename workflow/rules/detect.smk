rule detect:
    input:
        clean=f"{plan.root}/measures/{{model}}/seed{{seed}}/{CLEAN}/scores.parquet",
        attacked=f"{plan.root}/measures/{{model}}/seed{{seed}}/{{attack}}/scores.parquet",
    output:
        statistics=f"{plan.root}/detect/{{model}}/seed{{seed}}/{{attack}}/{{detector}}.statistics.parquet",
        thresholds=f"{plan.root}/detect/{{model}}/seed{{seed}}/{{attack}}/{{detector}}.thresholds.parquet",
    log:
        f"{plan.root}/logs/detect/{{model}}/seed{{seed}}/{{attack}}/{{detector}}.log",
    benchmark:
        f"{plan.root}/benchmarks/detect/{{model}}/seed{{seed}}/{{attack}}/{{detector}}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        code=lambda w: code(
            "detect", module_name("detect", study.detectors[w.detector].kind)
        ),
        settings=lambda w: study.detectors[w.detector].model_dump_json(),
    shell:
        "python scripts/detect.py --settings {params.settings:q} --detector {wildcards.detector} --clean {input.clean} "
        "--attacked {input.attacked} --statistics {output.statistics} --thresholds {output.thresholds} 2> {log}"
