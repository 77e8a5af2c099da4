rule detect:
    input:
        inputs("detect"),
    output:
        **outputs("detect"),
    log:
        log_of("detect"),
    benchmark:
        benchmark_of("detect")
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda w: code(
            "detect", *modules("detectors", plan.detectors(w.model, w.attack))
        ),
        detectors=lambda w: json.dumps(plan.detectors(w.model, w.attack)),
        others=lambda w: json.dumps(plan.detect_inputs(w.model, w.seed, w.attack)[0]),
        measured=lambda w: json.dumps(plan.detect_inputs(w.model, w.seed, w.attack)[1]),
    shell:
        "python scripts/detect.py --detectors {params.detectors:q} --attack {wildcards.attack:q} "
        "--clean {input.clean:q} --attacked {input.attacked:q} --others {params.others:q} --measured {params.measured:q} --statistics {output.statistics:q} "
        "--thresholds {output.thresholds:q} --seal {output.seal:q} 2> {log:q}"
