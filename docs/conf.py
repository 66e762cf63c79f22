"""Configuration of the documentation. Build it, from the top of the repository, by

sphinx-build -W --keep-going -b html docs docs/_build/html
"""

import os
import sys
from pathlib import Path

# The gallery looks up each name that a script imports, without running the script.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sphinx.util.nodes import get_node_source

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent / "sphinxext"))

import sknn

project = "sknn"
author = "The sknn developers"
copyright = "The sknn developers"
version = release = sknn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # In the folder sphinxext:
    "home",
]
exclude_patterns = ["_build", "auto_examples/**/*.md5"]
templates_path = ["_templates"]
default_role = "literal"

# -- API reference ------------------------------------------------------------------

autosummary_generate = True
# The template of the class pages lists the members, so numpydoc need not.
numpydoc_show_class_members = False
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings say it in words

# Links into the documentation of other projects need the network at build time, and
# a page must not fail to build without it. Ask for them with SKNN_DOCS_ONLINE=1.
if os.environ.get("SKNN_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable", None),
        "python": ("https://docs.python.org/3", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

# -- Gallery ------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    # The others need data, or take long: their pages show the code alone.
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"/benchmarks/",
    "abort_on_example_error": True,
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sknn",),
    "reference_url": {"sknn": None},
    "show_memory": False,
}

# -- HTML ---------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"sknn {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the browser prefers
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "header_links_before_dropdown": 4,
    "logo": {
        "image_light": "_static/logo-light.svg",
        "image_dark": "_static/logo-dark.svg",
        "alt_text": "sknn, home page",
    },
    "icon_links": [
        {
            "name": "Repository on GitHub",
            "url": "https://github.com/sknn/sknn",
            "icon": "fa-brands fa-github",
        }
    ],
    "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
    # _templates/layout.html makes the address one of this site.
    "switcher": {
        "json_url": "_static/switcher.json",
        "version_match": "dev" if "dev" in release else "stable",
    },
}
# The other pages at the top have none below them: the list of these would be empty.
html_sidebars = {"*": [], "api": ["sidebar-collapse", "sidebar-nav-bs"]}
html_show_sourcelink = False
# The search and the API reference list all names.
html_use_index = False
html_domain_indices = False

# Copy the input alone, without prompts and output.
copybutton_exclude = ".linenos, .gp, .go"


def leave_as_text(app, env, node, contnode):
    """Show references in docstrings inherited from scikit-learn as plain words.

    They point into its user guide and glossary, which only intersphinx can resolve.
    """
    inherited = "docstring of sklearn." in (get_node_source(node) or "")
    return contnode if inherited else None


def setup(app):
    # After intersphinx (priority 500), which may know the target.
    app.connect("missing-reference", leave_as_text, priority=900)
