rule score:
    input:
        data=data_files,
        weights=f"{plan.root}/training/{{model}}/seed{{seed}}/weights.safetensors",
        images=attacked,
    output:
        rows=f"{plan.root}/measures/{{model}}/seed{{seed}}/{{attack}}/scores.parquet",
        costs=f"{plan.root}/measures/{{model}}/seed{{seed}}/{{attack}}/costs.json",
    log:
        f"{plan.root}/logs/score/{{model}}/seed{{seed}}/{{attack}}.log",
    benchmark:
        f"{plan.root}/benchmarks/score/{{model}}/seed{{seed}}/{{attack}}.tsv"
    conda:
        "../../envs/environment.yaml"
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
        images=lambda w, input: f"--images {input.images}" if input.images else "",
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
        "python scripts/score.py --dataset {params.dataset} --model {wildcards.model} --attack {wildcards.attack} "
        "--net {params.net:q} "
        "--data {params.data} --weights {input.weights} {params.images} --splits {params.splits:q} "
        "--temperatures {params.temperatures} --measures {params.measures:q} --reference {params.reference} "
        "--study-seed {params.study_seed} --seed {wildcards.seed} --device {params.device} --threads {resources.torch_threads} "
        "--batch {params.batch} --out {output.rows} 2> {log}"
