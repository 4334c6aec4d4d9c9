// Bytecode for the page's Python, made by that Python: node bytecode.mjs PYODIDE.mjs STDLIB.zip PACKAGE.zip
// Importing what is compiled takes a third of the time that compiling takes. Each archive is replaced: the standard
// library by its bytecode, in the place of its source; the package keeps its source, which tracebacks show.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const COMPILE = `
import os, zipfile
from importlib.util import cache_from_source
from importlib._bootstrap_external import _code_to_hash_pyc

def compiled(path, *, library):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(f"{path}.new", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".py"):
                place = f"{os.path.dirname(os.__file__)}/{name}" if library else name
                code = compile(data, place, "exec", dont_inherit=True)
                bytecode = _code_to_hash_pyc(code, bytes(8), checked=False)
                new.writestr(name + "c" if library else cache_from_source(name), bytes(bytecode))
            if not (library and name.endswith(".py")):
                new.writestr(name, data)

compiled("/library", library=True)
compiled("/package", library=False)
`;

const [pyodide, library, archive] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodide));
const python = await loadPyodide();
python.FS.writeFile("/library", readFileSync(library));
python.FS.writeFile("/package", readFileSync(archive));
python.runPython(COMPILE);
writeFileSync(library, python.FS.readFile("/library.new"));
writeFileSync(archive, python.FS.readFile("/package.new"));
