"""Shows that house_rules.py finds what it is there to find: each planted violation, and nothing in a clean tree."""

import pathlib
import tempfile
import unittest

import house_rules

CLEAN = {
    "include/warpbo/error.hpp": "#pragma once\n#include <string>\n",
    "include/warpbo/export.hpp": "#pragma once\n",
    "include/warpbo/space.hpp": "#pragma once\n#include <warpbo/error.hpp>\n#include <vector>\n",
    "include/warpbo/study.hpp": "#pragma once\n#include <warpbo/space.hpp>\n",
    "src/base/text.hpp": "#pragma once\n#include <string>\n",
    "src/math/normal.hpp": "#pragma once\n#include <cmath>\n",
    "src/backend/backend.hpp": '#pragma once\n#include "math/normal.hpp"\n#include <vector>\n',
    "src/backend/cpu/dense.cpp": '#include "backend/backend.hpp"\nextern "C" void dgemm_();\nvoid f() { dgemm_(); }\n',
    "src/gp/gp.hpp": '#pragma once\n#include "backend/backend.hpp"\n',
    "src/space/encoder.hpp": "#pragma once\n#include <warpbo/space.hpp>\n",
    "src/storage/sqlite.cpp": "#include <sqlite3.h>\n#include <nlohmann/json.hpp>\n",
    "src/study/study.cpp": '#include <warpbo/study.hpp>\n#include "space/encoder.hpp"\n',
    "src/cli/main.cpp": '#include <warpbo/study.hpp>\n#include <CLI/CLI.hpp>\n#include "cli/config.hpp"\n// dgemm_ in prose is fine\n',
    "src/cli/config.hpp": "#pragma once\n",
    "kernels/gram.cu": '#include "math/normal.hpp"\n#include <cuda_runtime.h>\n',
}

# name: (file, text, a part of the expected message)
PLANTED = {
    "a lower rank includes a higher one": ("src/base/bad.cpp", '#include "math/normal.hpp"\n', "base (rank 0) includes math/normal.hpp"),
    "gp knows the search space": ("src/gp/bad.cpp", '#include "space/encoder.hpp"\n', "gp (rank 4) includes"),
    "backend knows a public header of a higher rank": ("src/backend/bad.cpp", "#include <warpbo/study.hpp>\n", "backend (rank 2) includes"),
    "a public header of a lower rank includes a higher one": ("include/warpbo/trial.hpp", "#pragma once\n#include <warpbo/study.hpp>\n",
                                                              "space (rank 6) includes warpbo/study.hpp"),
    "a kernel knows the process": ("kernels/bad.cu", '#include "gp/gp.hpp"\n', "backend (rank 2) includes gp/gp.hpp"),
    "a face includes a private header": ("src/cli/bad.cpp", '#include "space/encoder.hpp"\n', "is a face"),
    "a face includes the base": ("src/cli/bad.cpp", '#include "base/text.hpp"\n', "is a face"),
    "python includes a private header": ("python/bad.cpp", '#include "study/study.hpp"\n', "not a file"),
    "a climbing include": ("src/gp/bad.cpp", '#include "../backend/backend.hpp"\n', "climbs"),
    "an include from the own folder without its name": ("src/gp/bad.cpp", '#include "gp.hpp"\n', "not a file of src/"),
    "a spaced include": ("src/base/bad.cpp", ' #  include "gp/gp.hpp"\n', "base (rank 0) includes gp/gp.hpp"),
    "a public header in quotes": ("src/study/bad.cpp", '#include "warpbo/study.hpp"\n', "angle brackets"),
    "a public header that includes a private one": ("include/warpbo/trial.hpp", '#include "base/text.hpp"\n', "a public header includes"),
    "a third-party include in a public header": ("include/warpbo/trial.hpp", "#include <nlohmann/json.hpp>\n", "may be included only by"),
    "an unknown third-party include in a public header": ("include/warpbo/trial.hpp", "#include <Eigen/Dense>\n", "standard library"),
    "a CUDA type in a public header": ("include/warpbo/device.hpp", "struct Device { cudaStream_t stream; };\n", "cudaStream_t"),
    "a conditional member in a public header": ("include/warpbo/device.hpp", "#ifdef X\nint x;\n#endif\n", "#ifdef"),
    "a new public header without a rank": ("include/warpbo/novel.hpp", "#pragma once\n", "stands in no room"),
    "a new folder without a rank": ("src/novel/x.cpp", "int x;\n", "stands in no room"),
    "a source at the root of src": ("src/loose.cpp", "int x;\n", "stands in no room"),
    "WARPBO_HAS_CUDA": ("src/study/bad.cpp", "#ifdef WARPBO_HAS_CUDA\n#endif\n", "WARPBO_HAS_CUDA"),
    "BLAS outside dense.cpp": ("src/backend/cpu/gram.cpp", "void f() { dsyrk_(); }\n", "alone names BLAS"),
    "CBLAS outside dense.cpp": ("src/gp/bad.cpp", "void f() { cblas_dgemm(); }\n", "alone names BLAS"),
    "a LAPACK header outside dense.cpp": ("src/gp/bad.cpp", "#include <lapacke.h>\n", "may be included only by"),
    "cuBLAS outside dense.cpp": ("src/backend/cuda/memory.cpp", "void f() { cublasCreate(); }\n", "alone names cuBLAS"),
    "a container in math": ("src/math/bad.hpp", "#include <vector>\n", "also compiles for a device"),
    "CUDA in math": ("src/math/bad.hpp", "#include <cuda_runtime.h>\n", "may be included only by"),
    "SQLite outside storage": ("src/study/bad.cpp", "#include <sqlite3.h>\n", "may be included only by"),
    "JSON in a header": ("src/space/bad.hpp", "#include <nlohmann/json.hpp>\n", "may be included only by"),
    "the command-line parser in the library": ("src/study/bad.cpp", "#include <CLI/CLI.hpp>\n", "may be included only by"),
}


class HouseRulesTest(unittest.TestCase):
    def violations(self, files):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return house_rules.violations(root)

    def test_clean_tree_passes(self):
        self.assertEqual(self.violations(CLEAN), [])

    def test_each_planted_violation_is_found(self):
        for name, (path, text, expected) in PLANTED.items():
            with self.subTest(name):
                found = self.violations({**CLEAN, path: text})
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(path + ":"), found)
                self.assertIn(expected, found[0])

    def test_reports_the_line(self):
        found = self.violations({**CLEAN, "src/base/bad.cpp": '// one\n// two\n#include "gp/gp.hpp"\n'})
        self.assertTrue(found[0].startswith("src/base/bad.cpp:3:"), found)


if __name__ == "__main__":
    unittest.main()
