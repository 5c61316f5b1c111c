// Prints the JSON Schemas of the exported interfaces of types.ts, as one object by the interfaces' names.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { createFormatter, createParser, SchemaGenerator } from 'ts-json-schema-generator';
import ts from 'typescript';

const here = path.dirname(fileURLToPath(import.meta.url));
const file = path.join(here, 'types.ts');
const program = ts.createProgram([file], {
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true, skipLibCheck: true, noEmit: true, types: [],
});
const source = program.getSourceFile(file);
const wrong = program.getSemanticDiagnostics(source);
if (wrong.length > 0) {
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => here, getNewLine: () => '\n' };
  console.error(ts.formatDiagnostics(wrong, host));
  process.exit(1);
}

const exported = source.statements.filter(
  (each) => ts.isInterfaceDeclaration(each) && each.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword),
);
const schemas = {};
for (const { name: { text: name } } of exported) {
  const config = {
    path: file, topRef: true, jsDoc: 'none', additionalProperties: false, sortProps: true, skipTypeCheck: true, encodeRefs: false,
    // The v2 model contains itself, so it needs named definitions; elsewhere one name may mean two types.
    expose: name.startsWith('V2') ? 'all' : 'none',
  };
  const generator = new SchemaGenerator(program, createParser(program, config), createFormatter(config), config);
  schemas[name] = generator.createSchema(name);
}
console.log(JSON.stringify(schemas));
