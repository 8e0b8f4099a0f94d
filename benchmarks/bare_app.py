"""The least that a Gradio app can be, to compare the start of ours with.

python -m benchmarks.bare_app --port PORT [--torch]
"""

import argparse


def main() -> None:
    """Serve a page of two boxes and a button, as Gradio does it by itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--torch", action="store_true", help="import torch first, as many apps do")
    options = parser.parse_args()
    if options.torch:
        import torch  # noqa: F401 - its import is what is measured
    import gradio as gr

    with gr.Blocks(title="Bare") as page:
        gr.HTML("<h1>Bare</h1>")
        said, heard = gr.Textbox(label="Said"), gr.Textbox(label="Heard")
        gr.Button("Repeat").click(lambda text: text, said, heard)
    page.launch(server_name="127.0.0.1", server_port=options.port, quiet=True, ssr_mode=False)


if __name__ == "__main__":
    main()
