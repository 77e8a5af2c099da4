def page(config, folder):
    return "stub"
