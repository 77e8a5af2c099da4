rule train:
    input:
        data=data_files,
        start=start_from,
    output:
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
        history=f"{plan.root}/training/{{model}}/seed{{seed}}/history.csv",
        costs=f"{plan.root}/training/{{model}}/seed{{seed}}/costs.json",
    log:
        f"{plan.root}/logs/train/{{model}}/seed{{seed}}.log",
    benchmark:
        f"{plan.root}/benchmarks/train/{{model}}/seed{{seed}}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: compute.threads
    resources:
        gpu=0 if compute.device == "cpu" else 1,
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code("train", *training_modules(w.model)) + f" {LOCK}",
        data=folder,
        net=lambda w: plan.net(w.model),
        recipe=lambda w: plan.recipe(w.model),
        start=lambda w, input: f"--start {input.start}" if input.start else "",
        study_seed=study.seed,
        device=compute.device,
        precision=compute.precision,
    shell:
        "python scripts/train.py --model {wildcards.model} --data {params.data} --net {params.net:q} "
        "--recipe {params.recipe:q} {params.start} --study-seed {params.study_seed} --seed {wildcards.seed} "
        "--device {params.device} --precision {params.precision} --threads {resources.torch_threads} --code {params.code:q} "
        "--out {output.weights} 2> {log}"
