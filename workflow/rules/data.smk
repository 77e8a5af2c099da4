rule fetch:
    output:
        receipt=f"{plan.root}/sources/{{source}}.json",
    log:
        f"{plan.root}/logs/fetch/{{source}}.log",
    benchmark:
        f"{plan.root}/benchmarks/fetch/{{source}}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        code=code("fetch"),
        rows=lambda w: [astuple(row) for row in rows_of(w.source)],
        root=f"--root {study.data.root}" if study.data.root else "",
        mirror=f"--mirror {study.data.mirror}" if study.data.mirror else "",
        offline="--offline" if study.data.offline else "",
    shell:
        "python scripts/fetch.py --source {wildcards.source} {params.root} {params.mirror} {params.offline} "
        "--out {output.receipt} 2> {log}"


rule load_data:
    input:
        receipts=lambda w: plan.fetched(w.dataset),
        lists=lambda w: plan.lists(w.dataset),
    output:
        pool=f"{plan.root}/data/{{dataset}}/pool.safetensors",
        facts=f"{plan.root}/data/{{dataset}}/pool.json",
        costs=f"{plan.root}/data/{{dataset}}/costs.json",
    log:
        f"{plan.root}/logs/load_data/{{dataset}}.log",
    benchmark:
        f"{plan.root}/benchmarks/load_data/{{dataset}}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        code=lambda w: code(
            "load_data", module_name("data", study.datasets[w.dataset].kind)
        ),
        kind=lambda w: study.datasets[w.dataset].kind,
        size=lambda w: study.datasets[w.dataset].size,
        options=lambda w: json.dumps(study.datasets[w.dataset].options),
        root=f"--root {study.data.root}" if study.data.root else "",
    shell:
        "python scripts/load_data.py --kind {params.kind} --size {params.size} --options {params.options:q} {params.root} "
        "--out {output.pool} 2> {log}"


rule split_data:
    input:
        pool=f"{plan.root}/data/{{dataset}}/pool.safetensors",
        facts=f"{plan.root}/data/{{dataset}}/pool.json",
    output:
        splits=f"{plan.root}/data/{{dataset}}/splits.safetensors",
        facts=f"{plan.root}/data/{{dataset}}/splits.json",
    log:
        f"{plan.root}/logs/split_data/{{dataset}}.log",
    benchmark:
        f"{plan.root}/benchmarks/split_data/{{dataset}}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    params:
        code=code("split_data"),
        validation=lambda w: study.datasets[w.dataset].validation,
        seed=study.seed,
    shell:
        "python scripts/split_data.py --dataset {wildcards.dataset} --pool {input.pool} --validation {params.validation} "
        "--seed {params.seed} --out {output.splits} 2> {log}"
