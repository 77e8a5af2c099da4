rule make_table:
    input:
        files=needed,
        paper="config/paper.csv",
    output:
        csv=f"{plan.root}/tables/{{name}}.csv",
        markdown=f"{plan.root}/tables/{{name}}.md",
        latex=f"{plan.root}/tables/{{name}}.tex",
        printed=f"{plan.root}/tables/{{name}}.json",
        seal=f"{plan.root}/seals/make_table/{{name}}.json",
    log:
        f"{plan.root}/logs/make_table/{{name}}.log",
    benchmark:
        f"{plan.root}/benchmarks/make_table/{{name}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda w: code("make_table", module_name("tables", plan.kind(w.name))),
        kind=lambda w: plan.kind(w.name),
        spec=lambda w: plan.output(w.name),
        files=lambda w: json.dumps(plan.needs(w.name)),
    shell:
        "python scripts/make_table.py --kind {params.kind:q} --spec {params.spec:q} --files {params.files:q} "
        "--paper {input.paper:q} --out {output.csv:q} --seal {output.seal:q} 2> {log:q}"


rule draw_figure:
    input:
        files=needed,
    output:
        png=f"{plan.root}/figures/{{name}}.png",
        pdf=f"{plan.root}/figures/{{name}}.pdf",
        caption=f"{plan.root}/figures/{{name}}.json",
        seal=f"{plan.root}/seals/draw_figure/{{name}}.json",
    log:
        f"{plan.root}/logs/draw_figure/{{name}}.log",
    benchmark:
        f"{plan.root}/benchmarks/draw_figure/{{name}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda w: code("draw_figure", module_name("figures", plan.kind(w.name))),
        kind=lambda w: plan.kind(w.name),
        spec=lambda w: plan.output(w.name),
        files=lambda w: json.dumps(plan.needs(w.name)),
    shell:
        "python scripts/draw_figure.py --kind {params.kind:q} --spec {params.spec:q} --files {params.files:q} "
        "--out {output.png:q} --seal {output.seal:q} 2> {log:q}"


# each table and figure may be asked for by its name
for output_name in study.outputs:

    rule:
        name:
            output_name
        input:
            plan.made(output_name),
        localrule: True
