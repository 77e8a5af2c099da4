rule train:
    input:
        inputs("train"),
    output:
        **outputs("train"),
    log:
        log_of("train"),
    benchmark:
        benchmark_of("train")
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=gpus_of("train"),
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code("train", *plan.training_modules(w.model)) + f" {LOCK}",
        model=lambda w: model(w, trained=False),
        recipe=lambda w: flag("--recipe", plan.recipe(w.model)),
        weights=lambda w: flag("--weights", plan.own_weights(w.model)),
        key_map=lambda w: flag("--keys", study.models[w.model].keys),
        own=lambda w: own_weights(w.model),
        study_seed=study.seed,
        device=compute.device,
        precision=compute.precision,
    shell:
        "python scripts/train.py --model {params.model:q} {params.recipe:q} {params.weights:q} {params.key_map:q} "
        "--study-seed {params.study_seed:q} --seed {wildcards.seed:q} --precision {params.precision:q} "
        "--device {params.device:q} --threads {resources.torch_threads:q} "
        "--code {params.code:q} --out {output.weights:q} --seal {output.seal:q} 2> {log:q}"
