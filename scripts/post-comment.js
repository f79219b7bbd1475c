"use strict";
// `post-comment.js NAME <comment.md`: puts the text into this pull or merge request's one comment of that name, which is
// made the first time and edited afterwards. Works in GitHub Actions (GITHUB_TOKEN, PULL_REQUEST) and in GitLab pipelines
// (GITLAB_TOKEN, an access token with the scope `api`); does nothing where there is no request to comment on.

function service(env) {
  if (env.GITHUB_REPOSITORY && env.PULL_REQUEST) {
    const repository = `${env.GITHUB_API_URL ?? "https://api.github.com"}/repos/${env.GITHUB_REPOSITORY}`;
    return {
      headers: { authorization: `Bearer ${env.GITHUB_TOKEN}`, accept: "application/vnd.github+json" },
      list: `${repository}/issues/${env.PULL_REQUEST}/comments`,
      edit: (id) => ["PATCH", `${repository}/issues/comments/${id}`],
    };
  }
  if (env.CI_MERGE_REQUEST_IID) {
    const notes = `${env.CI_API_V4_URL}/projects/${env.CI_PROJECT_ID}/merge_requests/${env.CI_MERGE_REQUEST_IID}/notes`;
    return {
      headers: { "private-token": env.GITLAB_TOKEN ?? "" },
      list: notes,
      edit: (id) => ["PUT", `${notes}/${id}`],
    };
  }
  return undefined;
}

async function request(method, url, headers, body) {
  const response = await fetch(url, {
    method,
    headers: { ...headers, "content-type": "application/json" },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  // The answer may echo what was sent, but never the headers with the token.
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${(await response.text()).slice(0, 300)}`);
  return response.json();
}

async function findComment({ list, headers }, mark) {
  for (let page = 1; ; page += 1) {
    const comments = await request("GET", `${list}?per_page=100&page=${page}`, headers);
    const found = comments.find(({ body }) => body?.startsWith(mark));
    if (found || comments.length < 100) return found;
  }
}

async function main() {
  const [name] = process.argv.slice(2);
  if (!name) throw new Error("the comment needs a name: post-comment.js NAME <comment.md");
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const target = service(process.env);
  if (!target) return console.error("not in a pull or merge request: no comment is posted");
  const mark = `<!-- pulumi-kvm: ${name} -->`;
  const comment = { body: `${mark}\n${Buffer.concat(chunks).toString("utf8")}` };
  const existing = await findComment(target, mark);
  const [method, url] = existing ? target.edit(existing.id) : ["POST", target.list];
  await request(method, url, target.headers, comment);
  console.error(`${existing ? "updated" : "posted"} the comment of ${name}`);
}

main().catch((error) => {
  console.error(`cannot post the comment: ${error.message}`);
  process.exitCode = 1;
});
