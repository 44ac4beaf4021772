// Fetches the release that an alias serves, and keeps it until the registry says that it has changed.
interface Release {
  bundle: string;
  version: number;
  digest: string;
  content: { prompts: Record<string, { template?: string }> };
}

let kept: Release | undefined = undefined;
let tag: string | undefined = undefined;

async function production(registry: string, bundle: string, alias: string): Promise<Release> {
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(`${registry}/v1/bundles/${bundle}/aliases/${alias}`, { headers });
  if (answer.status === 304 && kept) return kept;
  if (!answer.ok) {
    const problem = await answer.json();
    if (kept) return kept; // the last good release is better than none
    throw new Error(`${problem.code}: ${problem.detail}. ${problem.hint}`);
  }
  tag = answer.headers.get("etag") ?? undefined;
  kept = await answer.json();
  return kept;
}

const [registry, bundle, alias] = process.argv.slice(2);
const first = await production(registry, bundle, alias);
const second = await production(registry, bundle, alias);
const again = second === first ? "not modified" : "fetched anew";
console.log(`typescript: ${first.bundle} v${first.version}, again: ${again}`);
