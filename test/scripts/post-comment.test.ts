import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface Sent {
  method: string;
  url: string;
  token: string | undefined;
  body: string | undefined;
}

/** A service that knows the given comments and writes down what it is sent. */
async function serve(comments: object[], sent: Sent[], status = 200): Promise<Server> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const token = request.headers.authorization ?? (request.headers["private-token"] as string | undefined);
    sent.push({
      method: request.method!,
      url: request.url!,
      token,
      body: body ? (JSON.parse(body) as { body: string }).body : undefined,
    });
    const page = Number(new URL(request.url!, "http://x").searchParams.get("page") ?? 1);
    const answer = request.method === "GET" ? comments.slice((page - 1) * 100, page * 100) : {};
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function post(env: NodeJS.ProcessEnv): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["scripts/post-comment.js", "dev"], { env });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  child.stdin.end("two guests change");
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stderr };
}

const mark = "<!-- pulumi-kvm: dev -->";

describe("post-comment", () => {
  let server: Server;
  let sent: Sent[];
  let api: string;

  async function given(comments: object[], status?: number): Promise<void> {
    sent = [];
    server = await serve(comments, sent, status);
    api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const github = () => ({
    GITHUB_API_URL: api,
    GITHUB_REPOSITORY: "acme/site",
    GITHUB_TOKEN: "gh-token",
    PULL_REQUEST: "7",
  });
  const gitlab = () => ({
    CI_API_V4_URL: api,
    CI_PROJECT_ID: "12",
    CI_MERGE_REQUEST_IID: "3",
    GITLAB_TOKEN: "gl-token",
  });

  afterEach(() => server?.close());

  it("posts the first comment on a pull request", async () => {
    await given([{ id: 1, body: "looks good" }]);
    assert.deepEqual(await post(github()), { code: 0, stderr: "posted the comment of dev\n" });
    assert.deepEqual(sent[1], {
      method: "POST",
      url: "/repos/acme/site/issues/7/comments",
      token: "Bearer gh-token",
      body: `${mark}\ntwo guests change`,
    });
  });

  it("edits its comment afterwards, and finds it among hundreds", async () => {
    const others = Array.from({ length: 130 }, (_, id) => ({ id, body: `comment ${id}` }));
    await given([...others, { id: 990, body: "<!-- pulumi-kvm: prod -->" }, { id: 991, body: `${mark}\nold` }]);
    assert.equal((await post(github())).code, 0);
    assert.equal(sent.at(-1)!.method, "PATCH");
    assert.equal(sent.at(-1)!.url, "/repos/acme/site/issues/comments/991");
  });

  it("posts and edits notes on a merge request", async () => {
    await given([{ id: 5, body: `${mark}\nold` }]);
    assert.equal((await post(gitlab())).code, 0);
    assert.deepEqual(
      { method: sent[1]!.method, url: sent[1]!.url, token: sent[1]!.token },
      { method: "PUT", url: "/projects/12/merge_requests/3/notes/5", token: "gl-token" },
    );
  });

  it("tells the service's answer, without the token", async () => {
    await given([], 403);
    const { code, stderr } = await post(github());
    assert.equal(code, 1);
    assert.match(stderr, /cannot post the comment: GET .*: 403/);
    assert.ok(!stderr.includes("gh-token"));
  });

  it("does nothing outside of a request", async () => {
    await given([]);
    assert.deepEqual(await post({}), { code: 0, stderr: "not in a pull or merge request: no comment is posted\n" });
    assert.deepEqual(sent, []);
  });
});
