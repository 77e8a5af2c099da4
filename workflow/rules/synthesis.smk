rule gradients:
    input:
        data=data_files,
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
    output:
        rows=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/gradients/gradients.parquet",
        pictures=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/gradients/gradients.safetensors",
        costs=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/gradients/costs.json",
    log:
        f"{plan.root}/logs/gradients/{{model}}/seed{{seed}}/gradients.log",
    benchmark:
        f"{plan.root}/benchmarks/gradients/{{model}}/seed{{seed}}/gradients.tsv"
    conda:
        "../../envs/environment.yaml"
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
        "python scripts/gradients.py --dataset {params.dataset} --model {wildcards.model} --data {params.data} "
        "--net {params.net:q} "
        "--weights {input.weights} --images {params.images} --seed {wildcards.seed} --device {params.device} "
        "--threads {resources.torch_threads} --batch {params.batch} --out {output.rows} --pictures {output.pictures} 2> {log}"


rule landscape:
    input:
        data=data_files,
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
    output:
        paths=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/landscape/landscape.parquet",
        plane=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/landscape/plane.parquet",
        costs=f"{plan.root}/synthesis/{{model}}/seed{{seed}}/landscape/costs.json",
    log:
        f"{plan.root}/logs/landscape/{{model}}/seed{{seed}}/landscape.log",
    benchmark:
        f"{plan.root}/benchmarks/landscape/{{model}}/seed{{seed}}/landscape.tsv"
    conda:
        "../../envs/environment.yaml"
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
        "python scripts/landscape.py --dataset {params.dataset} --model {wildcards.model} --data {params.data} "
        "--net {params.net:q} "
        "--weights {input.weights} --attacks {params.attacks:q} --study-seed {params.study_seed} --seed {wildcards.seed} "
        "--device {params.device} --threads {resources.torch_threads} --batch {params.batch} --out {output.paths} "
        "--plane-out {output.plane} 2> {log}"
