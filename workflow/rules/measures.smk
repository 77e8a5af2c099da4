rule score:
    input:
        data=data_files,
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
        images=attacked,
    output:
        rows=f"{plan.root}/measures/{{model}}/seed{{seed}}/{{attack}}/scores.parquet",
        costs=f"{plan.root}/measures/{{model}}/seed{{seed}}/{{attack}}/costs.json",
        seal=f"{plan.root}/seals/score/{{model}}/seed{{seed}}/{{attack}}.json",
    log:
        f"{plan.root}/logs/score/{{model}}/seed{{seed}}/{{attack}}.log",
    benchmark:
        f"{plan.root}/benchmarks/score/{{model}}/seed{{seed}}/{{attack}}.tsv"
    conda:
        ENVIRONMENT
    threads: compute.threads
    resources:
        gpu=0 if compute.device == "cpu" else 1,
        torch_threads=compute.threads,  # {threads} is what a node offers, and decides the bytes
    params:
        code=lambda w: code(
            "score",
            module_name("nets", study.models[w.model].net),
            *modules("measures", plan.measures(w.model, w.attack)),
        ),
        dataset=lambda w: study.models[w.model].dataset,
        data=folder,
        net=lambda w: plan.net(w.model),
        images=lambda w, input: flag("--images", input.images),
        splits=lambda w: json.dumps(plan.evaluated(w.model)),
        temperatures=sorted(
            {t for detector in study.detectors.values() for t in detector.temperatures}
        ),
        measures=lambda w: json.dumps(plan.measures(w.model, w.attack)),
        reference=lambda w: plan.reference(w.model),
        study_seed=study.seed,
        device=compute.device,
        batch=compute.batch,
    shell:
        "python scripts/score.py --dataset {params.dataset:q} --model {wildcards.model:q} --attack {wildcards.attack:q} "
        "--data {params.data:q} --net {params.net:q} --weights {input.weights:q} {params.images:q} --splits {params.splits:q} "
        "--temperatures {params.temperatures:q} --measures {params.measures:q} --reference {params.reference:q} "
        "--study-seed {params.study_seed:q} --seed {wildcards.seed:q} --device {params.device:q} --threads {resources.torch_threads:q} "
        "--batch {params.batch:q} --out {output.rows:q} --seal {output.seal:q} 2> {log:q}"
