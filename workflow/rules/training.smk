rule train:
    input:
        data=data_files,
        start=start_from,
    output:
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
        history=f"{plan.root}/training/{{model}}/seed{{seed}}/history.csv",
        costs=f"{plan.root}/training/{{model}}/seed{{seed}}/costs.json",
        seal=f"{plan.root}/seals/train/{{model}}/seed{{seed}}.json",
    log:
        f"{plan.root}/logs/train/{{model}}/seed{{seed}}.log",
    benchmark:
        f"{plan.root}/benchmarks/train/{{model}}/seed{{seed}}.tsv"
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=0 if compute.device == "cpu" else 1,
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code("train", *training_modules(w.model)) + f" {LOCK}",
        data=folder,
        net=lambda w: plan.net(w.model),
        recipe=lambda w: flag("--recipe", plan.recipe(w.model)),
        weights=lambda w: flag("--weights", study.models[w.model].weights),
        own=lambda w: own_weights(w.model),
        start=lambda w, input: flag("--start", input.start),
        study_seed=study.seed,
        device=compute.device,
        precision=compute.precision,
    shell:
        "python scripts/train.py --model {wildcards.model:q} --data {params.data:q} --net {params.net:q} "
        "{params.recipe:q} {params.weights:q} {params.start:q} --study-seed {params.study_seed:q} --seed {wildcards.seed:q} "
        "--device {params.device:q} --precision {params.precision:q} --threads {resources.torch_threads:q} --code {params.code:q} "
        "--out {output.weights:q} --seal {output.seal:q} 2> {log:q}"
