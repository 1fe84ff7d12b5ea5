// Uploads by tus-js-client as Node runs it: node tusclient.mjs '{"endpoint": …, "file": …, "headers": …, "case": …}'.
// Prints {"url": …} when the server has all of it, or {"status": …} when it refused.
import { createReadStream, readFileSync } from "node:fs";
import { Upload } from "tus-js-client";

const given = JSON.parse(process.argv[2]);
const content = readFileSync(given.file);
const CASES = {
  plain: {},
  chunked: { chunkSize: 3_000_000 },
  "creation with upload": { uploadDataDuringCreation: true, chunkSize: 3_000_000 },
  "method override": { overridePatchMethod: true, chunkSize: 5_000_000 },
  "deferred length": { uploadLengthDeferred: true, chunkSize: 3_000_000 },
  "parallel parts": { parallelUploads: 2 },
};
const say = (found) => process.stdout.write(`${JSON.stringify(found)}\n`);
const options = {
  endpoint: given.endpoint,
  headers: given.headers,
  metadata: { filename: given.case },
  retryDelays: [0, 200, 500],
  ...CASES[given.case],
};

function run(source, more) {
  return new Promise((resolve) => {
    const upload = new Upload(source, {
      ...options,
      ...more,
      onSuccess: () => resolve({ url: upload.url }),
      onError: (error) => resolve({ status: error.originalResponse?.getStatus(), text: error.originalResponse?.getBody() }),
      onChunkComplete: (_size, sent) => more?.onSent?.(upload, sent, resolve),
    });
    if (more?.url) upload.url = more.url;
    upload.start();
  });
}

if (given.case === "abort and resume") {
  const first = await run(content, {
    chunkSize: 3_000_000,
    onSent: (upload, sent, resolve) => sent >= 6_000_000 && upload.abort().then(() => resolve({ url: upload.url })),
  });
  say(await run(content, { url: first.url, chunkSize: 3_000_000 }));
} else {
  say(await run(given.case === "deferred length" ? createReadStream(given.file) : content));
}
