rule attack:
    input:
        inputs("attack"),
    output:
        **outputs("attack"),
    log:
        log_of("attack"),
    benchmark:
        benchmark_of("attack")
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=gpus_of("attack"),
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code(
            "attack",
            *plan.attack_modules(w.attack),
            *plan.graph.modules(w.model),
        ),
        model=lambda w: model(w),
        sweep=lambda w: json.dumps(plan.sweep_of(w.model, w.attack), sort_keys=True),
        view=lambda w: flag("--view", plan.view(w.model, w.attack)),
        told=lambda w: flag("--told", plan.told(w.model, w.seed, w.attack)),
        splits=lambda w: json.dumps(plan.evaluated(w.model, w.attack)),
        study_seed=study.seed,
        device=compute.device,
        precision=compute.precision,
        batch=lambda w: plan.batch(w.attack),
        part=[],
        first=standing("attack", "first"),
        out=standing("attack", "images"),
    shell:
        "python scripts/attack.py --model {params.model:q} --sweep {params.sweep:q} {params.view:q} {params.told:q} "
        "--splits {params.splits:q} --study-seed {params.study_seed:q} --seed {wildcards.seed:q} "
        "--precision {params.precision:q} --batch {params.batch:q} "
        "--device {params.device:q} --threads {resources.torch_threads:q} "
        "--code {params.code:q} {params.part:q} --first {params.first:q} --out {params.out:q} --costs {output.costs_json:q} --seal {output.seal:q} 2> {log:q}"


use rule attack as attack_part with:
    input:
        inputs("attack_part"),
    output:
        **outputs("attack_part"),
    log:
        log_of("attack_part"),
    benchmark:
        benchmark_of("attack_part")
    params:
        part=part_of,
