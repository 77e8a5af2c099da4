rule gradients:
    input:
        data=data_files,
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
    output:
        rows=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/gradients/gradients.parquet",
        pictures=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/gradients/gradients.safetensors",
        costs=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/gradients/costs.json",
        seal=f"{plan.root}/seals/gradients/{{model}}/seed{{seed}}/gradients.json",
    log:
        f"{plan.root}/logs/gradients/{{model}}/seed{{seed}}/gradients.log",
    benchmark:
        f"{plan.root}/benchmarks/gradients/{{model}}/seed{{seed}}/gradients.tsv"
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=0 if compute.device == "cpu" else 1,
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code("gradients", module_name("nets", study.models[w.model].net)),
        dataset=lambda w: study.models[w.model].dataset,
        data=folder,
        net=lambda w: plan.net(w.model),
        images=lambda w: plan.evaluated(w.model)["test"],
        device=compute.device,
        batch=compute.batch,
    shell:
        "python scripts/gradients.py --dataset {params.dataset:q} --model {wildcards.model:q} --data {params.data:q} "
        "--net {params.net:q} --weights {input.weights:q} --images {params.images:q} --seed {wildcards.seed:q} --device {params.device:q} "
        "--threads {resources.torch_threads:q} --batch {params.batch:q} --out {output.rows:q} --pictures {output.pictures:q} --seal {output.seal:q} 2> {log:q}"


rule landscape:
    input:
        data=data_files,
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
    output:
        paths=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/landscape/landscape.parquet",
        plane=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/landscape/plane.parquet",
        costs=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/landscape/costs.json",
        seal=f"{plan.root}/seals/landscape/{{model}}/seed{{seed}}/landscape.json",
    log:
        f"{plan.root}/logs/landscape/{{model}}/seed{{seed}}/landscape.log",
    benchmark:
        f"{plan.root}/benchmarks/landscape/{{model}}/seed{{seed}}/landscape.tsv"
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=0 if compute.device == "cpu" else 1,
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code("landscape", module_name("nets", study.models[w.model].net)),
        dataset=lambda w: study.models[w.model].dataset,
        data=folder,
        net=lambda w: plan.net(w.model),
        attacks=lambda w: json.dumps(plan.followed(w.model)),
        study_seed=study.seed,
        device=compute.device,
        batch=compute.batch,
    shell:
        "python scripts/landscape.py --dataset {params.dataset:q} --model {wildcards.model:q} --data {params.data:q} "
        "--net {params.net:q} --weights {input.weights:q} --attacks {params.attacks:q} --study-seed {params.study_seed:q} --seed {wildcards.seed:q} "
        "--device {params.device:q} --threads {resources.torch_threads:q} --batch {params.batch:q} --out {output.paths:q} "
        "--plane-out {output.plane:q} --seal {output.seal:q} 2> {log:q}"
