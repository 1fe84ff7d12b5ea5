// Builds portfolio/static/src into portfolio/static/dist. Run by `npm run build`.
//
// Writes app-HASH.css, app-HASH.js and the pieces that it loads when a page needs them, icons-HASH.svg, favicon-HASH.svg, the font files and, last, manifest.json, which maps
// each plain name to the hashed one. Files of earlier builds are removed only after that, so a server that
// runs meanwhile never points at a missing file.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const source = path.join(here, "src");
const output = path.join(here, "dist");

/** The hundred and one widths and offsets that take the place of style attributes, which the CSP refuses. */
function percentClasses() {
  const rules = [];
  for (let n = 0; n <= 100; n += 1) rules.push(`.w-${n}{--w:${n}%}`, `.x-${n}{--x:${n}%}`);
  return `@layer utilities{${rules.join("")}}`;
}

const percentPlugin = {
  name: "percent-classes",
  setup(build) {
    build.onResolve({ filter: /^virtual:percent-classes$/ }, (args) => ({ path: args.path, namespace: "percent" }));
    build.onLoad({ filter: /.*/, namespace: "percent" }, () => ({ contents: percentClasses(), loader: "css" }));
  },
};

/** For browsers that do not know light-dark() (Safari before 17.5): the same tokens, as plain values for each theme. */
function plainThemes(css) {
  const pair = /light-dark\(([^,()]+), ([^,()]+)\)/g;
  const tokens = css.split("\n").filter((line) => /^\s*--[\w-]+:.*light-dark\(/.test(line));
  const [light, dark] = ["$1", "$2"].map((side) => tokens.map((line) => line.replace(pair, side)).join("\n"));
  return `@supports not (color: light-dark(#000, #fff)) {
    :root { ${light} }
    @media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { ${dark} } }
    :root[data-theme="dark"] { ${dark} }
  }`;
}

const themesPlugin = {
  name: "plain-themes",
  setup(build) {
    build.onLoad({ filter: /[\\/]css[\\/]tokens\.css$/ }, async (args) => {
      const css = await readFile(args.path, "utf8");
      return { contents: `${css}\n${plainThemes(css)}`, loader: "css" };
    });
  },
};

async function bundle() {
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [
      { in: path.join(source, "css/app.css"), out: "app" },
      { in: path.join(source, "js/app.js"), out: "app" },
    ],
    outdir: output,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    splitting: true,
    assetNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    legalComments: "none",
    // The oldest browsers that docs/browsers.md promises; cascade layers stay as written.
    target: ["chrome111", "firefox121", "safari16.4"],
    format: "esm",
    loader: { ".woff2": "file" },
    plugins: [percentPlugin, themesPlugin],
    metafile: true,
    logLevel: "warning",
  });
  const names = {};
  for (const [file, about] of Object.entries(result.metafile.outputs)) {
    // What is imported when needed counts as an entry too; only the two named above are asked for by name.
    const isAsked = /\/app\.(css|js)$/.test(about.entryPoint ?? "");
    names[isAsked ? path.basename(about.entryPoint) : path.basename(file)] = path.basename(file);
  }
  return names;
}

function symbol(id, svg, attributes) {
  const viewBox = /viewBox="([^"]+)"/.exec(svg)[1];
  const inner = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(svg)[1].replace(/\s*\n\s*/g, "");
  return `<symbol id="${id}" viewBox="${viewBox}"${attributes}>${inner}</symbol>`;
}

/** One sprite: our status signs (src/icons/*.svg) and the Lucide icons listed in src/icons/lucide.json. */
async function sprite() {
  const parts = [];
  for (const file of (await readdir(path.join(source, "icons"))).sort()) {
    if (!file.endsWith(".svg")) continue;
    parts.push(symbol(path.basename(file, ".svg"), await readFile(path.join(source, "icons", file), "utf8"), ""));
  }
  const stroke = ' fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  const folder = path.join(root, "node_modules/lucide-static/icons");
  for (const name of JSON.parse(await readFile(path.join(source, "icons/lucide.json"), "utf8")).sort()) {
    parts.push(symbol(name, await readFile(path.join(folder, `${name}.svg`), "utf8"), stroke));
  }
  const text =
    `<svg xmlns="http://www.w3.org/2000/svg"><!-- Signs of this project, and icons of Lucide (ISC licence) -->` +
    `${parts.join("")}</svg>\n`;
  return writeHashed("icons", text);
}

async function writeHashed(name, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
  await writeFile(path.join(output, `${name}-${hash}.svg`), text);
  return `${name}-${hash}.svg`;
}

await mkdir(output, { recursive: true });
const manifest = { ...(await bundle()), "icons.svg": await sprite() };
manifest["favicon.svg"] = await writeHashed("favicon", await readFile(path.join(source, "favicon.svg"), "utf8"));
const sorted = Object.fromEntries(Object.entries(manifest).sort());
await writeFile(path.join(output, "manifest.json.new"), `${JSON.stringify(sorted, null, 2)}\n`);
await rename(path.join(output, "manifest.json.new"), path.join(output, "manifest.json"));
const keep = new Set([...Object.values(manifest), "manifest.json"]);
for (const file of await readdir(output)) {
  if (!keep.has(file)) await rm(path.join(output, file), { recursive: true });
}
