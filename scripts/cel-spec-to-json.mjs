// Writes the test data of the package `@bufbuild/cel-spec` as one JSON document on standard output:
// { conformance: [case], comprehension: [case], checking: [case], parsing: [case] }, where a case is
// what the package has of it and `suite`, the names of the suites around it.
import { pathToFileURL } from "node:url";
import path from "node:path";

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("cel-spec-to-json: name the folder of the unpacked package");
  process.exit(2);
}

const cases = (suite, around) => [
  ...(suite.tests ?? []).map((test) => ({ suite: around.join("/"), ...test })),
  ...(suite.suites ?? []).flatMap((inner) => cases(inner, [...around, inner.name])),
];

const written = {};
for (const name of ["conformance", "comprehension", "checking", "parsing"]) {
  const file = path.resolve(folder, "dist/esm/testdata", `${name}.js`);
  const { tests } = await import(pathToFileURL(file).href);
  written[name] = cases(tests, []);
  if (written[name].length === 0) {
    console.error(`cel-spec-to-json: ${file} has no cases`);
    process.exit(2);
  }
}
// JSON.stringify drops the sign of a zero; as text it stays a value of ProtoJSON.
const signed = (_, value) => (Object.is(value, -0) ? "-0" : value);
process.stdout.write(`${JSON.stringify(written, signed)}\n`);
