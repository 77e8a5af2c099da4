rule make_table:
    input:
        inputs("make_table"),
    output:
        **outputs("make_table"),
    log:
        log_of("make_table"),
    benchmark:
        benchmark_of("make_table")
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
        "--paper {input.paper:q} --out {output.name_csv:q} --seal {output.seal:q} 2> {log:q}"


rule draw_figure:
    input:
        inputs("draw_figure"),
    output:
        **outputs("draw_figure"),
    log:
        log_of("draw_figure"),
    benchmark:
        benchmark_of("draw_figure")
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
        "--out {output.name_png:q} --seal {output.seal:q} 2> {log:q}"


# each table and figure may be asked for by its name
for output_name in study.outputs:

    rule:
        name:
            output_name
        input:
            plan.made(output_name),
        localrule: True
