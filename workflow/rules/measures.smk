rule score:
    input:
        inputs("score"),
    output:
        **outputs("score"),
    log:
        log_of("score"),
    benchmark:
        benchmark_of("score")
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=gpus_of("score"),
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code("score", *plan.graph.modules(w.model)),
        dataset=lambda w: study.models[w.model].dataset,
        model=lambda w: model(w),
        images=lambda w, input: [f"--images={path}" for path in input.images],
        splits=lambda w: json.dumps(plan.evaluated(w.model, w.attack)),
        study_seed=study.seed,
        device=compute.device,
        batch=compute.batch,
        part=[],
        out=standing("score", "scores"),
    shell:
        "python scripts/score.py --dataset {params.dataset:q} --model {params.model:q} --attack {wildcards.attack:q} "
        "{params.images:q} --splits {params.splits:q} --study-seed {params.study_seed:q} --seed {wildcards.seed:q} "
        "--batch {params.batch:q} "
        "--device {params.device:q} --threads {resources.torch_threads:q} "
        "--code {params.code:q} {params.part:q} --out {params.out:q} --costs {output.costs_json:q} --seal {output.seal:q} 2> {log:q}"


use rule score as score_part with:
    input:
        inputs("score_part"),
    output:
        **outputs("score_part"),
    log:
        log_of("score_part"),
    benchmark:
        benchmark_of("score_part")
    params:
        part=part_of,


rule measure:
    input:
        inputs("measure"),
    output:
        **outputs("measure"),
    log:
        log_of("measure"),
    benchmark:
        benchmark_of("measure")
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=gpus_of("measure"),
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code("measure", *plan.measure_modules(w.model, w.measure)),
        dataset=lambda w: study.models[w.model].dataset,
        model=lambda w: model(w),
        measured_by=measured_by,
        own=lambda w: own_inputs(w.measure),
        images=lambda w, input: [f"--images={path}" for path in input.images],
        splits=lambda w: json.dumps(plan.evaluated(w.model, w.attack)),
        reference=lambda w: plan.reference(w.model),
        study_seed=study.seed,
        device=compute.device,
        batch=compute.batch,
        part=[],
        out=standing("measure", "rows"),
    shell:
        "python scripts/measure.py --dataset {params.dataset:q} --model {params.model:q} --attack {wildcards.attack:q} "
        "--measure {wildcards.measure:q} --measured-by {params.measured_by:q} {params.images:q} --splits {params.splits:q} "
        "--reference {params.reference:q} --study-seed {params.study_seed:q} --seed {wildcards.seed:q} "
        "--batch {params.batch:q} "
        "--device {params.device:q} --threads {resources.torch_threads:q} "
        "--code {params.code:q} {params.part:q} --out {params.out:q} --costs {output.costs_json:q} --seal {output.seal:q} 2> {log:q}"


use rule measure as measure_part with:
    input:
        inputs("measure_part"),
    output:
        **outputs("measure_part"),
    log:
        log_of("measure_part"),
    benchmark:
        benchmark_of("measure_part")
    params:
        part=part_of,
