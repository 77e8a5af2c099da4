rule attack:
    input:
        data=data_files,
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
        natural=natural,
    output:
        images=kept(
            f"{plan.root}/attacks/{{model}}/seed{{seed}}/{{attack}}/images.safetensors"
        ),
        costs=f"{plan.root}/attacks/{{model}}/seed{{seed}}/{{attack}}/costs.json",
        seal=f"{plan.root}/seals/attack/{{model}}/seed{{seed}}/{{attack}}.json",
    log:
        f"{plan.root}/logs/attack/{{model}}/seed{{seed}}/{{attack}}.log",
    benchmark:
        f"{plan.root}/benchmarks/attack/{{model}}/seed{{seed}}/{{attack}}.tsv"
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=0 if compute.device == "cpu" else 1,
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code(
            "attack",
            module_name("attacks", study.attacks[w.attack].kind),
            module_name("nets", study.models[w.model].net),
        ),
        data=folder,
        net=lambda w: plan.net(w.model),
        sweep=lambda w: plan.sweep(w.model, w.attack),
        natural=lambda w, input: flag("--natural", input.natural),
        splits=lambda w: json.dumps(plan.evaluated(w.model)),
        study_seed=study.seed,
        device=compute.device,
        precision=compute.precision,
        batch=compute.batch,
    shell:
        "python scripts/attack.py --data {params.data:q} --net {params.net:q} --weights {input.weights:q} --sweep {params.sweep:q} "
        "{params.natural:q} --splits {params.splits:q} --study-seed {params.study_seed:q} --seed {wildcards.seed:q} --device {params.device:q} "
        "--precision {params.precision:q} --threads {resources.torch_threads:q} --batch {params.batch:q} --code {params.code:q} "
        "--out {output.images:q} --seal {output.seal:q} 2> {log:q}"
