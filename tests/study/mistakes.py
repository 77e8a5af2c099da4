"""Mistakes in a configuration: (path, value, part of the one sentence that answers it), by what
they concern.
"""

from __future__ import annotations

BLANK = object()  # the key is taken out
COUNT, NATURAL, POSITIVE = (
    "must be a whole number above 0, not",
    ("whole numbers of at least 0, not"),
    "or a fraction above 0",
)
LISTS = [
    ("seeds", [0, 0], "seeds: 0 is given twice; keep one."),
    ("seeds", [], "seeds: is empty; give at least one value."),
    ("seeds", "many", "seeds.0: must be a whole number of at least 0, not 'many'."),
    ("seeds", [True], "seeds.0: must be a whole number of at least 0, not 'True'."),
    ("seeds", None, "seeds: must be a list of whole numbers of at least 0, not null."),
    ("seeds", {"a": 1}, "seeds: must be a list of whole numbers of at least 0, not a map."),
    ("seeds", [0.5], "seeds.0: must be a whole number of at least 0, not 0.5."),
    ("attacks.pgd.steps", [0, 5, 5], "attacks.pgd.steps: 5 is given twice; keep one."),
    ("attacks.pgd.steps", [], "attacks.pgd.steps: is empty"),
    (
        "attacks.own.steps",
        [0],
        ("attacks.own.steps: kind pgd does nothing in 0 steps; add a step count above 0."),
    ),
    (
        "attacks.pgd.steps",
        [-1, 5],
        ("attacks.pgd.steps.0: must be a whole number of at least 0, not -1."),
    ),
    ("attacks.pgd.eps", ["8/255", "8/255"], "is given twice; keep one."),
    ("attacks.pgd.eps", [8 / 255, 8 / 255 * (1 + 1e-12)], "are equal but for rounding; keep one."),
    ("attacks.pgd.eps", [], "attacks.pgd.eps: is empty"),
    ("attacks.pgd.weight", [1.2, 1.2], "attacks.pgd.weight: 1.2 is given twice; keep one."),
    (
        "attacks.pgd.weight",
        [0.3, 0.1 + 0.2],
        ("0.3 and 0.30000000000000004 are equal but for rounding; keep one."),
    ),
    ("attacks.pgd.weight", [], "attacks.pgd.weight: is empty"),
    (
        "attacks.pgd.weight",
        "much",
        ("attacks.pgd.weight.0: must be a number or a fraction, not 'much'."),
    ),
    ("datasets.digits.eps", ["8/255", "16/510"], "is given twice; keep one."),
    ("datasets.digits.eps", [], "datasets.digits.eps: is empty"),
    ("datasets.digits.eps_l2", [], "datasets.digits.eps_l2: is empty"),
    ("datasets.digits.eps_l2", [0.5, 0.5], "datasets.digits.eps_l2: 0.5 is given twice; keep one."),
    ("datasets.digits.mean", [], "datasets.digits.mean: is empty"),
    ("datasets.digits.std", [], "datasets.digits.std: is empty"),
    (
        "datasets.digits.std",
        [0],
        ("datasets.digits.std.0: must be a number or a fraction above 0, not 0."),
    ),
    (
        "detectors.energy.temperatures",
        [1, 1],
        ("detectors.energy.temperatures: 1.0 is given twice; keep one."),
    ),
    ("detectors.energy.temperatures", [], "detectors.energy.temperatures: is empty"),
    ("outputs", [], "outputs: is empty, so that nothing would be made; name tables and figures."),
    (
        "outputs",
        BLANK,
        ("outputs: is empty, so that nothing would be made; name tables and figures."),
    ),
    ("outputs", ["table_1", "table_1"], "outputs: table_1 is given twice; keep one."),
    (
        "outputs",
        "table_9",
        ("outputs: 'table_9' is defined neither in tables nor in figures; did you mean 'table_1'?"),
    ),
    (
        "tables.table_1.models",
        ["plain", "plain"],
        ("tables.table_1.models: plain is given twice; keep one."),
    ),
    (
        "tables.table_1.attacks",
        ["pgd", "pgd"],
        ("tables.table_1.attacks: pgd is given twice; keep one."),
    ),
    (
        "tables.table_1.detectors",
        ["lid", "lid"],
        ("tables.table_1.detectors: lid is given twice; keep one."),
    ),
    (
        "figures.sheets",
        {"kind": "sheet", "datasets": ["mnist", "mnist"]},
        ("figures.sheets.datasets: mnist is given twice"),
    ),
    (
        "figures.fig_2a.models",
        "plane",
        ("figures.fig_2a.models: 'plane' is not defined in models; did you mean 'plain'?"),
    ),
    (
        "figures.fig_2a.models",
        3,
        ("figures.fig_2a.models.0: must be a name of small letters, digits and _"),
    ),
]
TYPES = [
    (
        "study",
        "published",
        (
            "study: 'published' is a folder of results that belongs to no study; choose another "
            "name."
        ),
    ),
    (
        "study",
        "downloads",
        (
            "study: 'downloads' is a folder of results that belongs to no study; choose another "
            "name."
        ),
    ),
    (
        "study",
        "../x",
        ("study: must be a name of small letters, digits and _, a letter first, not '../x'."),
    ),
    ("study", 5, "study: must be a name of small letters, digits and _, a letter first, not 5."),
    ("seed", -1, "seed: must be a whole number of at least 0, not -1."),
    ("seed", "x", "seed: must be a whole number of at least 0, not 'x'."),
    ("keep_images", "perhaps", "keep_images: must be true or false, not 'perhaps'."),
    ("compute", [1], "compute: must be a map of keys, not [1]."),
    ("compute.device", "gpu", "compute.device: must be one of auto, cpu, cuda, not 'gpu'."),
    ("compute.threads", 0, f"compute.threads: {COUNT} 0."),
    ("compute.threads", True, f"compute.threads: {COUNT} 'True'."),
    ("compute.batch", 2.5, f"compute.batch: {COUNT} 2.5."),
    ("compute.tread", 2, "compute.tread: unknown key; did you mean 'threads'?"),
    ("data.root", 5, "data.root: must be text or null, not 5."),
    (
        "data.root",
        "a\nb",
        ("data.root: 'a\\nb' holds a line break or another control character; take it out."),
    ),
    (
        "data.root",
        "a\0",
        ("data.root: 'a\\x00' holds a line break or another control character; take it out."),
    ),
    (
        "data.mirror",
        "/nope\r",
        ("data.mirror: '/nope\\r' holds a line break or another control character; take it out."),
    ),
    (
        "data.mirror",
        "ftp://x.org",
        ("data.mirror: must be a folder or an http(s) address, not 'ftp://x.org'."),
    ),
    (
        "datasets.npz.options.folder",
        "a\nb",
        ("datasets.npz.options.folder: 'a\\nb' holds a line break"),
    ),
    (
        "datasets.npz.options.folder",
        "\ud800",
        ("datasets.npz.options.folder: '\\ud800' holds a line break or another control"),
    ),
    (
        "models.No Name",
        {"dataset": "digits", "recipe": "short"},
        ("models.No Name: a key must be a name of small letters"),
    ),
    (
        "recipes.2",
        {},
        (
            "recipes.2: a key must be a name of small letters, digits and _, a letter first, not "
            "'2'."
        ),
    ),
    ("recipes.short.lr", True, f"recipes.short.lr: must be a number {POSITIVE}, not 'True'."),
    (
        "recipes.short.lr",
        "1e99999999",
        (f"recipes.short.lr: must be a number {POSITIVE}, not '1e99999999'."),
    ),
    ("recipes.short.lr", [0.1], f"recipes.short.lr: must be a number {POSITIVE}, not [0.1]."),
    (
        "recipes.short.optimizer",
        "rmsprop",
        ("recipes.short.optimizer: must be one of sgd, adam, not 'rmsprop'."),
    ),
    ("recipes.short.momentum", 0.9, "recipes.short.momentum: unknown key; "),
    ("models.plain", "digits", "models.plain: must be a map of keys, not 'digits'."),
    (
        "models.plain.recipe",
        5,
        "models.plain.recipe: must be a name of small letters, digits and _, a letter first or "
        "null, not 5.",
    ),
    ("models.plain.options", [1], "models.plain.options: must be a map of keys, not [1]."),
    ("attacks.pgd", None, "attacks.pgd: must be a map of keys, not null."),
    ("attacks.pgd.rel_step", 0.1, "attacks.pgd: step and rel_step are both given; keep one."),
    ("attacks.pgd.norm", "Linf", "attacks.pgd.norm: must be one of linf, l2, not 'Linf'."),
    (
        "attacks.pgd.target",
        "rnd",
        ("attacks.pgd.target: must be one of none, random, least_likely, not 'rnd'."),
    ),
    (
        "detectors.energy.fpr",
        "5%",
        ("detectors.energy.fpr: must be a number or a fraction above 0 and below 1, not '5%'."),
    ),
    (
        "models.plain.dataset",
        b"digits",
        "models.plain.dataset: must be a name of small letters, digits and _, a letter first, not "
        "b'",
    ),
    ("detectors.energy.kind", None, "detectors.energy.kind: must be text, not null."),
    ("attaks", {}, "attaks: unknown key; did you mean 'attacks'?"),
]
DATA = [
    (
        "datasets.digits.eps",
        [8],
        "datasets.digits.eps.0: pixels lie in [0, 1], which an L_inf ball of radius 8 covers; "
        "write 8/255.",
    ),
    ("datasets.digits.eps", [300], "radius 300 covers; write a number up to 1, such as 8/255."),
    (
        "datasets.digits.evaluate.test",
        501,
        ("datasets.digits.evaluate.test: 501 images are asked for, but the test split has 500"),
    ),
    (
        "datasets.digits.evaluate.validation",
        301,
        ("evaluate.validation: 301 images are asked for, but only 300 are held out."),
    ),
    (
        "datasets.digits.validation",
        1297,
        ("datasets.digits.validation: 1297 images cannot be held out of 1297 training images"),
    ),
    (
        "datasets.digits.evaluate.reference",
        998,
        ("evaluate.reference: 998 images are asked for, but 997 are left to train on"),
    ),
    (
        "datasets.signs.options",
        {"train": 1000},
        ("datasets.signs.validation: 1000 images cannot be held out of 1000 training"),
    ),
    (
        "datasets.signs.options",
        {"test": 99},
        ("datasets.signs.evaluate.test: 150 images are asked for, but the test split has 99"),
    ),
    (
        "datasets.signs.options",
        {"trian": 99},
        ("datasets.signs.options.trian: unknown option; did you mean 'train'?"),
    ),
    (
        "datasets.signs.options",
        {"train": "many"},
        ("options.train: must be a whole number of at least 0, not 'many'."),
    ),
    ("datasets.signs.size", 15, "datasets.signs.size: must be at least 16 for signs, not 15."),
    (
        "datasets.mnist.size",
        32,
        ("datasets.mnist.size: must be 28, for images of mnist are not resized, not 32."),
    ),
    (
        "datasets.mnist.evaluate",
        {"test": 20000},
        ("datasets.mnist.evaluate.test: 20000 images are asked for, but the test split"),
    ),
    (
        "datasets.mnist.options",
        {"sources": ["mnist"]},
        ("datasets.mnist.options.sources: unknown option; this kind has none."),
    ),
    ("datasets.mnist.mean", [0.5, 0.5], "datasets.mnist.mean: has 2 values; give one."),
    (
        "datasets.npz.mean",
        [0.5, 0.5],
        ("datasets.npz.mean: has 2 values; give one, or one for each of three channels."),
    ),
    ("datasets.npz.options", {}, "datasets.npz.options.folder: is missing; it must be text."),
    ("datasets.npz.options.folder", "", "datasets.npz.options.folder: must be text, not ''."),
    (
        "datasets.npz.options.names",
        "a",
        ("datasets.npz.options.names: must be a list of texts, not 'a'."),
    ),
    (
        "datasets.svhn.std",
        [1, 1],
        ("datasets.svhn.std: has 2 values; give one, or 3, one for each channel."),
    ),
    (
        "datasets.svhn.options",
        {"sources": ["svhn_extra"]},
        ("not ['svhn_extra']; svhn must be among them."),
    ),
    (
        "datasets.svhn.options",
        {"sources": []},
        "datasets.svhn.options.sources: must be a list out of svhn, svhn_extra, not []; svhn must "
        "be among them.",
    ),
    (
        "datasets.gtsrb.options",
        {"classes": [1, 1]},
        ("options.classes: must be a list of different whole numbers of at least 0"),
    ),
    (
        "datasets.gtsrb.options",
        {"min_side": -1},
        ("options.min_side: must be a whole number of at least 0, not -1."),
    ),
]
MODELS = [
    (
        "models.robust.options",
        {"width": 0},
        ("models.robust.options.width: must be a whole number of at least 1, not 0."),
    ),
    (
        "models.robust.options",
        {"width": "wide"},
        "models.robust.options.width: must be a whole number of at least 1, not 'wide'.",
    ),
    (
        "models.robust.options",
        {"widht": 8},
        ("models.robust.options.widht: unknown option; did you mean 'width'?"),
    ),
    (
        "models.robust.options",
        {"blocks": []},
        "models.robust.options.blocks: must be a list of whole numbers of at least 1, not [].",
    ),
    (
        "models.robust.options",
        {"blocks": [1, 0]},
        ("options.blocks: must be a list of whole numbers of at least 1, not [1, 0]."),
    ),
    (
        "models.robust.options",
        {"dropout": 1},
        ("options.dropout: must be a number of at least 0 and below 1, not 1."),
    ),
    (
        "models.robust.options",
        {"dropout": "1/5"},
        "options.dropout: must be a number of at least 0 and below 1, not '1/5'; write 0.2.",
    ),
    (
        "models.robust.options",
        {"stem_stride": 0},
        ("options.stem_stride: must be a whole number of at least 1, not 0."),
    ),
    (
        "models.robust.options",
        {"classes": 10},
        ("models.robust.options.classes: comes from the data set; leave it out."),
    ),
    (
        "models.robust.options",
        {"channels": 3},
        ("models.robust.options.channels: comes from the data set; leave it out."),
    ),
    (
        "models.robust.options",
        {"size": 32},
        ("models.robust.options.size: comes from the data set; leave it out."),
    ),
    (
        "models.robust.options",
        {"stem_stride": 2},
        "dataset: images of 32 pixels are too small for resnet with these options; it needs 49.",
    ),
    (
        "models.own",
        {"dataset": "digits"},
        ("models.own.recipe: is missing; name one of `recipes`, or a file of trained weights"),
    ),
    (
        "models.plain.weights",
        "a.pt",
        "models.plain.weights: are given beside a recipe; keep one of the two.",
    ),
    ("models.plain.weights", 5, "models.plain.weights: must be text or null, not 5."),
    (
        "models.plain",
        {"dataset": "digits", "weights": "gone.pt", "options": {"dropout": 0.2}},
        "models.plain.weights: there is no file gone.pt; a relative path begins in the folder of "
        "the run",
    ),
    (
        "models.own",
        {"dataset": "digits", "weights": "gone.pt", "start_from": "plain"},
        "models.own.start_from: is not used where `weights` are given; leave it out.",
    ),
    (
        "models.robust.start_from",
        "robust",
        "models.robust.start_from: leads back to robust itself.",
    ),
    (
        "models.plain.options",
        {"dropout": 0},
        "models.plain.options.dropout: is 0, but detector kd_bu measures uncertainty by dropout",
    ),
    (
        "recipes.short.label_smoothing",
        1,
        "recipes.short.label_smoothing: must be a number or a fraction of at least 0 and below 1",
    ),
    (
        "recipes.short.crop",
        32,
        "recipes.short.crop: shifts by 32 pixels leave nothing of images of 32",
    ),
    (
        "recipes.short.milestones",
        [2],
        "recipes.short.milestones: are not used by schedule onecycle.",
    ),
    (
        "recipes.steps.milestones",
        [],
        "recipes.steps.milestones: are missing for schedule multistep.",
    ),
    (
        "recipes.steps.milestones",
        [2, 1],
        "recipes.steps.milestones: must rise from one to the next, not [2, 1].",
    ),
    (
        "recipes.steps.milestones",
        [4],
        "recipes.steps.milestones: 4 lies beyond the last of 4 epochs",
    ),
    (
        "recipes.robust.objective.eps",
        8,
        "recipes.robust.objective.eps: pixels lie in [0, 1], which an L_inf ball of",
    ),
    (
        "recipes.robust.objective.eps",
        0,
        "recipes.robust.objective.eps: must be above 0 where kind is adversarial.",
    ),
    (
        "recipes.robust.objective.sigma",
        0.1,
        "recipes.robust.objective.sigma: is not used by kind adversarial; leave it out.",
    ),
    (
        "recipes.noisy.objective.sigma",
        0,
        "recipes.noisy.objective.sigma: must be above 0 where kind is gaussian.",
    ),
    (
        "recipes.short.objective",
        {"eps": 0.1},
        "recipes.short.objective.eps: is not used by kind standard; leave it out.",
    ),
]
ATTACKS = [
    (
        "attacks.pgd.eps",
        [8],
        "attacks.pgd.eps.0: pixels lie in [0, 1], which an L_inf ball of radius 8 covers; write "
        "8/255.",
    ),
    (
        "attacks.pgd.eps",
        ["unbounded"],
        "attacks.pgd.eps: kind pgd needs a budget; write numbers such as 8/255, not unbounded.",
    ),
    ("attacks.noise.eps", ["unbounded"], "attacks.noise.eps: kind noise needs a budget"),
    ("attacks.evade.eps", ["unbounded"], "attacks.evade.eps: kind evade needs a budget"),
    (
        "attacks.apgd.eps",
        ["unbounded"],
        "attacks.apgd.eps: APGD of kind torchattacks needs a budget",
    ),
    (
        "attacks.standard.eps",
        ["unbounded"],
        "attacks.standard.eps: standard of kind autoattack needs a budget",
    ),
    (
        "attacks.cw.eps",
        [0.5],
        "attacks.cw.eps: CW of kind torchattacks seeks the smallest perturbation and has no "
        "budget; write eps: [unb",
    ),
    (
        "attacks.cw.eps",
        BLANK,
        "attacks.cw.eps: CW of kind torchattacks seeks the smallest perturbation and has no budget",
    ),
    (
        "attacks.ddn.eps",
        [0.5, "unbounded"],
        "attacks.ddn.eps: DDN of kind foolbox seeks the smallest perturbation",
    ),
    (
        "attacks.cw.norm",
        "linf",
        "attacks.cw.norm: CW of kind torchattacks is an attack in l2, not in linf; write norm: l2.",
    ),
    (
        "attacks.fgsm.norm",
        "l2",
        "attacks.fgsm.norm: FGSM of kind torchattacks is an attack in linf, not in l2; write norm: "
        "linf.",
    ),
    (
        "attacks.fgsm.steps",
        [5],
        "attacks.fgsm.steps: FGSM of kind torchattacks always takes 1; write steps: [1], not [5].",
    ),
    (
        "attacks.standard.steps",
        BLANK,
        "attacks.standard.steps: standard of kind autoattack always takes 100; write steps: [100], "
        "not [40].",
    ),
    (
        "attacks.noise.steps",
        [1, 5],
        "attacks.noise.steps: kind noise takes no steps; write steps: [1], not [1, 5].",
    ),
    ("attacks.evade.steps", 0, "attacks.evade.steps: kind evade does nothing in 0 steps"),
    (
        "attacks.cw.steps",
        [0, 5],
        "attacks.cw.steps: CW of kind torchattacks cannot be shown after 0 steps; take 0 out of "
        "[0, 5].",
    ),
    (
        "attacks.evade.target",
        "random",
        "attacks.evade.target: is not used by kind evade; leave it out.",
    ),
    (
        "attacks.evade.weight",
        [1.2],
        "attacks.evade.weight: is not used by kind evade; leave it out.",
    ),
    (
        "attacks.noise.restarts",
        2,
        "attacks.noise.restarts: is not used by kind noise; leave it out.",
    ),
    (
        "attacks.noise.random_start",
        False,
        "attacks.noise.random_start: is not used by kind noise; leave it out.",
    ),
    (
        "attacks.apgd.weight",
        [1.2],
        "attacks.apgd.weight: is not used by APGD of kind torchattacks; leave it out.",
    ),
    (
        "attacks.apgd.step",
        0.1,
        "attacks.apgd.step: is not used by APGD of kind torchattacks; leave it out.",
    ),
    (
        "attacks.apgd.rel_step",
        0.1,
        "attacks.apgd.rel_step: is not used by APGD of kind torchattacks; leave it out.",
    ),
    (
        "attacks.cw.restarts",
        2,
        "attacks.cw.restarts: is not used by CW of kind torchattacks; leave it out.",
    ),
    ("attacks.ddn.eot", 2, "attacks.ddn.eot: is not used by DDN of kind foolbox; leave it out."),
    (
        "attacks.standard.restarts",
        2,
        "attacks.standard.restarts: is not used by standard of kind autoattack; leave it out.",
    ),
    (
        "attacks.pgd.options",
        {"alpha": 1},
        "attacks.pgd.options.alpha: unknown option; this kind has none.",
    ),
    (
        "attacks.evade.options",
        {},
        "attacks.evade.options.detector: is missing; it must be one of two_sided, one_class.",
    ),
    (
        "attacks.evade.options.detector",
        "energy",
        "options.detector: must be one of two_sided, one_class, not 'energy'.",
    ),
    (
        "attacks.evade.options.aim",
        1,
        "attacks.evade.options.aim: must be a number above 0 and below 1, not 1.",
    ),
    ("attacks.evade.options.natural", {}, "attacks.evade.options.natural: unknown option"),
    (
        "attacks.apgd.options.name",
        "AutoAttack",
        "attacks.apgd.options.name: must be one of FGSM, PGD,",
    ),
    ("attacks.apgd.options.name", ["APGD"], "attacks.apgd.options.name: must be one of FGSM, PGD,"),
    (
        "attacks.apgd.options.mendet",
        True,
        "attacks.apgd.options.mendet: unknown option; did you mean 'mended'?",
    ),
    (
        "attacks.apgd.options.mended",
        1,
        "attacks.apgd.options.mended: must be true or false, not 1.",
    ),
    (
        "attacks.cw.options.mended",
        True,
        "options.mended: belongs to name APGD, APGDT, Square, not to CW; leave it out.",
    ),
    (
        "attacks.apgd.options.loss",
        "margin",
        "attacks.apgd.options.loss: must not be margin beside name APGD.",
    ),
    (
        "attacks.cw.options.c",
        "1e-3",
        "attacks.cw.options.c: must be a number above 0, not '1e-3'; write 0.001.",
    ),
    ("attacks.ddn.options.name", "CW", "attacks.ddn.options.name: must be one of LinfPGD, L2PGD"),
    (
        "attacks.ddn.options.candidates",
        4,
        "options.candidates: belongs to name L2DeepFool, LinfDeepFool, not to DDN; leave it out.",
    ),
    (
        "attacks.standard.options",
        {"version": "best"},
        "options.version: must be one of standard, rand, plus, custom, not 'best'.",
    ),
    (
        "attacks.standard.options",
        {"n_queries": 5},
        "options.n_queries: belongs to version custom, not to standard; leave it out.",
    ),
    (
        "attacks.standard.options",
        {"n_querys": 5},
        "options.n_querys: unknown option; did you mean 'n_queries'?",
    ),
    (
        "attacks.custom.options",
        {"version": "custom"},
        "options.attacks: is missing; it must be a list out of apgd-ce",
    ),
    (
        "attacks.custom.options.attacks",
        ["apgd"],
        "options.attacks: must be a list out of apgd-ce, apgd-dlr,",
    ),
    (
        "attacks.custom.options.attacks",
        ["square", "square"],
        "options.attacks: must be a list out of apgd-ce",
    ),
    (
        "attacks.custom.options.n_queries",
        0,
        "options.n_queries: must be a whole number of at least 1, not 0.",
    ),
    ("attacks.clean", {}, "attacks.clean: the name stands for clean images; choose another."),
]
SHOWN = [
    (
        "detectors.band.options.statistic",
        "both",
        "options.statistic: must be one of two_sided, one_class, not 'both'.",
    ),
    (
        "detectors.band.options",
        {"two_sided": True},
        "detectors.band.options.two_sided: unknown option; known: statistic.",
    ),
    (
        "detectors.band.fit",
        "pgd",
        "detectors.band.fit: is not used by kind unnatural; leave it out.",
    ),
    (
        "detectors.lid.temperatures",
        [2],
        "detectors.lid.temperatures: is not used by kind lid; leave it out.",
    ),
    (
        "detectors.lid.fit",
        BLANK,
        "detectors.lid.fit: is empty; a detector of kind lid learns from that attack.",
    ),
    (
        "detectors.lid.noise",
        "pgd",
        "detectors.lid.noise: pgd is what the detector learns to flag; name an attack of kind "
        "noise.",
    ),
    (
        "detectors.lid.options.k",
        50,
        "options.k: must be below batch (50), for the nearest neighbour is dropped, not 50.",
    ),
    (
        "detectors.lid.options",
        {"k": 120},
        "options.k: must be below batch (100), for the nearest neighbour is dropped, not 120.",
    ),
    (
        "detectors.lid.options.k",
        1,
        "detectors.lid.options.k: must be a whole number of at least 2 and of at most 199, not 1.",
    ),
    (
        "detectors.lid.options.batch",
        201,
        "options.batch: must not be above datasets.digits.evaluate.reference (200), not 201.",
    ),
    (
        "datasets.digits.evaluate.test",
        10,
        "options.k: must be below datasets.digits.evaluate.test (10), not 10.",
    ),
    (
        "detectors.kd_bu.options",
        {"passes": 1},
        "detectors.kd_bu.options.passes: must be a whole number of at least 2, not 1.",
    ),
    (
        "detectors.kd_bu.options",
        {"pases": 9},
        "detectors.kd_bu.options.pases: unknown option; did you mean 'passes'?",
    ),
    (
        "tables.grid.options.value",
        "rate",
        "tables.grid.options.value: must be one of dr, joint, not 'rate'.",
    ),
    (
        "tables.grid.options.vaule",
        "dr",
        "tables.grid.options.vaule: unknown option; did you mean 'value'?",
    ),
    (
        "tables.table_1.options",
        {"digits": 2},
        "tables.table_1.options.digits: unknown option; this kind has none.",
    ),
    (
        "tables.table_1.models",
        [],
        "tables.table_1.models: is empty, but the entry stands in outputs",
    ),
    (
        "tables.table_1.datasets",
        ["digits"],
        "tables.table_1.datasets: is not used by kind table_1, which shows",
    ),
    (
        "figures.net_training.attacks",
        ["pgd"],
        "figures.net_training.attacks: is not used by kind history, which shows models",
    ),
    (
        "figures.fig_2a.options.steps",
        7,
        "figures.fig_2a.options.steps: no attack that it shows takes 7 steps; they take 0, 5.",
    ),
    (
        "figures.fig_2a.options.steps",
        "all",
        "figures.fig_2a.options.steps: must be a whole number of at least 0, not 'all'.",
    ),
    (
        "figures.paths.options.shown",
        25,
        "figures.paths.options.shown: must be a whole number of at least 1 and of at most 24, not "
        "25.",
    ),
    (
        "figures.bins.options",
        {"bins": 0},
        "figures.bins.options.bins: must be a whole number of at least 1, not 0.",
    ),
    (
        "figures.grid",
        {"kind": "matrix"},
        "figures.grid: a table bears the same name; choose another.",
    ),
    ("tables.train", {"kind": "matrix"}, "tables.train: the name stands for a rule"),
]
KINDS = [
    (
        "attacks.pgd.kind",
        "lab/attack.py",
        "attacks.pgd.kind: 'lab/attack.py' is no name of a module; write lab.attack.",
    ),
    (
        "attacks.pgd.kind",
        "./lab/attack.py",
        "'./lab/attack.py' is no name of a module; write lab.attack.",
    ),
    (
        "attacks.pgd.kind",
        "lab.attack.py",
        "attacks.pgd.kind: 'lab.attack.py' is no name of a module; write lab.attack.",
    ),
    (
        "attacks.pgd.kind",
        "my attack",
        "'my attack' is no name of a module; write an own module as lab.attack for the file",
    ),
    ("attacks.pgd.kind", "lab..attack", "'lab..attack' is no name of a module"),
    ("attacks.pgd.kind", "", "attacks.pgd.kind: '' is no name of a module"),
    ("attacks.pgd.kind", "a\nb", "attacks.pgd.kind: 'a\\nb' is no name of a module"),
    (
        "attacks.pgd.kind",
        "lab.nosuch",
        "there is no module lab.nosuch; own modules lie below the folder from which the study is "
        "run",
    ),
    (
        "attacks.pgd.kind",
        "json.decoder",
        "attacks.pgd.kind: json.decoder must define `def attack(...)`.",
    ),
    (
        "attacks.pgd.kind",
        "library",
        "attacks.pgd.kind: 'library' is no module of robustgen.attacks; known: autoattack, evade,",
    ),
    ("attacks.pgd.kind", "lab.broken", "broken.py, line 2, is no Python:"),
    ("attacks.pgd.kind", "lab.latin", "latin.py cannot be read as a Python file:"),
    (
        "attacks.pgd.kind",
        "lab.computed",
        "computed.py: OPTIONS must be a literal, for it is read before anything is imported.",
    ),
    ("attacks.pgd.kind", "lab.odd", "OPTIONS of lab.odd must be a map such as"),
    ("attacks.pgd.kind", "lab", "attacks.pgd.kind: 'lab' is no module of robustgen.attacks"),
    (
        "recipes.short.objective",
        {"kind": "lab.attack"},
        "kind: lab.attack must define `def loss(...)` and `def correct(...)`.",
    ),
    (
        "models.plain.net",
        "lab/net.py",
        "models.plain.net: 'lab/net.py' is no name of a module; write lab.net.",
    ),
    (
        "models.robust",
        {"dataset": "digits", "recipe": "short", "net": "lab.attack"},
        "lab.attack must define `def build(...)`.",
    ),
    (
        "models.plain",
        {"dataset": "digits", "recipe": "short", "net": "lab.net"},
        "lab.net shows no layers, pooled, linear, by which",
    ),
    (
        "datasets.npz.kind",
        "lab.attack",
        "datasets.npz.kind: lab.attack must define `def load(...)`.",
    ),
    (
        "detectors.band.kind",
        "lab.attack",
        "detectors.band.kind: lab.attack must define `def sound(...)`.",
    ),
    (
        "tables.own",
        {"kind": "lab.attack"},
        "tables.own.kind: lab.attack must define `def make(...)`.",
    ),
    (
        "tables.own",
        {"kind": "lab.table"},
        "tables.own.kind: lab.table must declare NEEDS, the sorts of files it is made from",
    ),
    (
        "figures.own",
        {"kind": "lab.figure"},
        "figures.own.kind: NEEDS of lab.figure names 'score'; sorts are scores, natural,",
    ),
    (
        "figures.own",
        {"kind": "matrx"},
        "figures.own.kind: 'matrx' is no module of robustgen.figures; did you mean 'matrix'?",
    ),
    (
        "attacks.own",
        {"kind": "lab.told", "options": {"depht": 1}},
        "attacks.own.options.depht: unknown option; did you mean 'depth'?",
    ),
    (
        "attacks.own",
        {"kind": "lab.told", "restarts": 2},
        "attacks.own.restarts: is not used by kind lab.told; leave it out.",
    ),
]
