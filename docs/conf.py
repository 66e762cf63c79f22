"""Configuration of the documentation. Build it, from the top of the repository, by

sphinx-build -W --keep-going -b html docs docs/_build/html
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

# The gallery looks up each name that a script imports, without running the script.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sphinx_gallery.sorting import ExplicitOrder

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent / "sphinxext"))

from source_links import linkcode_resolve  # noqa: F401

import sknn
from sknn._sklearn import DOCUMENTATION_URL

project = "sknn"
author = "The sknn developers"
copyright = "The sknn developers"
version = release = sknn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx.ext.linkcode",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # In the folder sphinxext:
    "breakable_code",
    "code_links",
    "console_output",
    "default_values",
    "display_pictures",
    "guide_links",
    "guide_pictures",
    "home",
    "inherited_docs",
    "parameter_groups",
    "references",
    "site_links",
    "wide_pictures",
]
exclude_patterns = [
    "_build",
    "auto_examples/**/*.md5",
    # Tables of the gallery's times, whose scripts are on other sites.
    "**/sg_execution_times.rst",
    "sg_execution_times.rst",
]
templates_path = ["_templates"]
default_role = "code-link"

# -- API reference ------------------------------------------------------------------

autosummary_generate = True
# The template of the class pages lists the members, so numpydoc need not.
numpydoc_show_class_members = False
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings say it in words
toc_object_entries_show_parents = "hide"  # "fit", not "MLPClassifier.fit"
add_function_parentheses = False  # as on scikit-learn's site
smartquotes_action = "De"  # dashes and ellipses; quotes stay as in the code

# -- Pictures of the displays -------------------------------------------------------

plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"figure.dpi": 100, "svg.hashsalt": "sknn"}

# -- Links into the documentation of other projects ---------------------------------

# The inventories are stored here, so that the build needs no network.
intersphinx_mapping = {
    project: (url, f"inventories/{project}.inv")
    for project, url in {
        "matplotlib": "https://matplotlib.org/stable",
        "numpy": "https://numpy.org/doc/stable",
        "pandas": "https://pandas.pydata.org/docs",
        "scipy": "https://docs.scipy.org/doc/scipy",
        "sklearn": "https://scikit-learn.org/stable",
    }.items()
}

# -- Formulas -----------------------------------------------------------------------

# The site serves MathJax itself, as one file, which needs no fonts.
mathjax_path = "tex-svg.js"
MATHJAX = Path(*find_spec("sphinx-mathjax-offline").submodule_search_locations)

# -- Gallery ------------------------------------------------------------------------

# `examples/index.rst` is the page of the gallery: its topics, and the order in each.
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
gallery_order = re.findall(
    r"^   \.\./examples/(\w+\.py)$",
    (EXAMPLES / "index.rst").read_text(encoding="utf-8"),
    re.MULTILINE,
)

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "copyfile_regex": r"index\.rst",
    "minigallery_sort_order": ExplicitOrder(
        [*(EXAMPLES / name for name in gallery_order), "*"]
    ),
    # The pages of the others, which are programs with options, show the code alone.
    "filename_pattern": r"/(plot_|tune_digits)",
    "ignore_pattern": r"(^|[/\\])(_\w+|bench_\w+|run)\.py$",  # benchmarks
    "abort_on_example_error": True,
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sknn",),
    "remove_config_comments": True,
    # A program with options must not read the arguments of the notebook's kernel.
    "first_notebook_cell": (
        "# The arguments of the kernel are not those of the script.\n"
        "import sys\n\nsys.argv = sys.argv[:1]"
    ),
    "show_memory": False,
    "write_computation_times": False,
}

# -- HTML ---------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"sknn {release}"
html_baseurl = DOCUMENTATION_URL
html_static_path = ["_static", str(MATHJAX / "static" / "mathjax" / mathjax_path)]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the browser prefers
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "header_links_before_dropdown": 4,
    # The second one is on the pages of the examples alone.
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
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
copybutton_exclude = ".linenos, .gp, .go"  # tracebacks are .go: console_output
