rule detect:
    input:
        clean=f"{plan.root}/measures/{{model}}/seed{{seed}}/{CLEAN}/scores.parquet",
        attacked=f"{plan.root}/measures/{{model}}/seed{{seed}}/{{attack}}/scores.parquet",
        others=learnt_from,
    output:
        statistics=f"{plan.root}/detect/{{model}}/seed{{seed}}/{{attack}}/statistics.parquet",
        thresholds=f"{plan.root}/detect/{{model}}/seed{{seed}}/{{attack}}/thresholds.parquet",
        seal=f"{plan.root}/seals/detect/{{model}}/seed{{seed}}/{{attack}}.json",
    log:
        f"{plan.root}/logs/detect/{{model}}/seed{{seed}}/{{attack}}.log",
    benchmark:
        f"{plan.root}/benchmarks/detect/{{model}}/seed{{seed}}/{{attack}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda w: code(
            "detect", *modules("detect", plan.detectors(w.model, w.attack))
        ),
        detectors=lambda w: json.dumps(plan.detectors(w.model, w.attack)),
        others=lambda w, input: json.dumps(
            dict(zip(plan.learnt_from(w.model, w.attack), input.others))
        ),
    shell:
        "python scripts/detect.py --detectors {params.detectors:q} --clean {input.clean:q} --attacked {input.attacked:q} "
        "--others {params.others:q} --statistics {output.statistics:q} --thresholds {output.thresholds:q} --seal {output.seal:q} 2> {log:q}"
