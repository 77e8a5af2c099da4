rule fetch:
    output:
        **outputs("fetch"),
    log:
        log_of("fetch"),
    benchmark:
        benchmark_of("fetch")
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("fetch"),
        rows=lambda w: [astuple(row) for row in rows_of(w.source)],
        root=lambda w: flag("--root", study.data.root),
        mirror=lambda w: flag("--mirror", study.data.mirror),
        offline=["--offline"] if study.data.offline else [],
    shell:
        "python scripts/fetch.py --source {wildcards.source:q} {params.root:q} {params.mirror:q} {params.offline:q} "
        "--out {output.source_json:q} --seal {output.seal:q} 2> {log:q}"


rule load_data:
    input:
        inputs("load_data"),
    output:
        **outputs("load_data"),
    log:
        log_of("load_data"),
    benchmark:
        benchmark_of("load_data")
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda w: code(
            "load_data", module_name("data", study.datasets[w.dataset].kind)
        ),
        kind=lambda w: study.datasets[w.dataset].kind,
        size=lambda w: study.datasets[w.dataset].size,
        options=lambda w: json.dumps(study.datasets[w.dataset].options),
        root=lambda w: flag("--root", study.data.root),
        own=lambda w: checksums(w.dataset),
    shell:
        "python scripts/load_data.py --kind {params.kind:q} --size {params.size:q} --options {params.options:q} "
        "{params.root:q} --out {output.pool:q} --seal {output.seal:q} 2> {log:q}"


rule split_data:
    input:
        inputs("split_data"),
    output:
        **outputs("split_data"),
    log:
        log_of("split_data"),
    benchmark:
        benchmark_of("split_data")
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("split_data"),
        validation=lambda w: study.datasets[w.dataset].validation,
        seed=study.seed,
    shell:
        "python scripts/split_data.py --dataset {wildcards.dataset:q} --pool {input.pool:q} "
        "--validation {params.validation:q} --seed {params.seed:q} --out {output.splits:q} --seal {output.seal:q} 2> {log:q}"
