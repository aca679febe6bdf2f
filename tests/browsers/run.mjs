// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs the cases in Chromium against nginx with the module:
//
//     node run.mjs NGINX MODULE CORS MODULES FOLDER
//
// NGINX, MODULE and CORS are the three programs, MODULES the folder where npm
// has put playwright-core, FOLDER a place for files. What the page could read
// is compared with the case and with `cors explain`, its console with the one
// that `cors explain` foretells, the methods that reached nginx with both.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";

import { groups } from "./cases.mjs";

const [nginx, module, cors, modules, folder] =
    process.argv.slice(2).map((part) => path.resolve(part));
const { chromium } = createRequire(modules + "/")("playwright-core");

// Names that end in .localhost are Chromium's own matter: no DNS is asked.
// cors.localhost is one site, so that cookies are no third party's.
const [site, other] = [await freePort(), await freePort()]
    .map((port) => `cors.localhost:${port}`);
const here = (text) => text
    .replaceAll("APP", `http://app.${site}`)
    .replaceAll("SITE", site)
    .replaceAll("OTHER", other);

const server = await startNginx();
const browser = await chromium.launch({
    executablePath: execFileSync("which", ["chromium"]).toString().trim(),
    // Chromium's own sandbox does not run as root.
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
const context = await browser.newContext();
await context.addCookies([
    { name: "sid", value: "1", url: `http://api.${site}` },
]);
let passed = 0;
let failed = 0;
try {
    console.log(`Chromium ${browser.version()}`);
    for (const [number, group] of groups.entries()) {
        for (const [index, one] of group.cases.entries()) {
            try {
                await run(number, index, group, one);
                passed++;
            } catch (error) {
                failed++;
                console.log(`FAILED ${one.name}\n${error.message}`);
            }
        }
    }
} finally {
    await browser.close();
    server.kill();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function run(number, index, group, one) {
    const target = group.cached ? `/cached/${number}/case`
        : `/${number}/case-${index}/${one.path ?? ""}`;
    const url = `http://api.${site}${target}`;
    const origin = here(one.page ?? "APP");
    const logged = requests(target).length;

    const page = await context.newPage();
    const messages = [];
    page.on("console", (message) => messages.push(message.text().trimEnd()));
    await page.goto(`${origin}/page`);
    const { method, headers, credentials } = one;
    const init = { method, headers, credentials };
    let seen;
    for (let i = 0; i < (one.again ? 2 : 1); i++) {
        seen = await page.evaluate(fetchIt, { url, init, sandbox: one.sandbox });
    }
    const console_ = messages.filter((text) => text.startsWith("Access to"));
    await page.close();

    assert.equal(seen.reads, one.reads, JSON.stringify({ seen, messages }));
    for (const name of one.sees ?? []) {
        assert(seen.headers.includes(name), `${name} cannot be seen`);
    }
    for (const name of one.misses ?? []) {
        assert(!seen.headers?.includes(name), `${name} can be seen`);
    }
    // nginx writes its log after it has answered.
    await until(() => requests(target).length - logged >= one.sent.length);
    assert.deepEqual(requests(target).slice(logged), one.sent);
    if (one.redirected) return;

    const explained = explain(number, one.sandbox ? "null" : origin, url, one);
    assert.equal(explained.verdict, one.reads ? "allowed" : "blocked");
    assert.equal(console_[0] ?? null, explained.console);
    if (!one.again) {
        const sent = explained.exchanges.map(({ sent }) => sent.method);
        assert.deepEqual(sent, one.sent);
    }
}

// Runs in the page.
async function fetchIt({ url, init, sandbox }) {
    if (!sandbox) {
        return fetch(url, init).then(
            (answer) => ({ reads: true, headers: [...answer.headers.keys()] }),
            (error) => ({ reads: false, error: String(error) }),
        );
    }
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.srcdoc = `<script>
        fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(
            (answer) => ({ reads: true, headers: [...answer.headers.keys()] }),
            (error) => ({ reads: false, error: String(error) }),
        ).then((seen) => parent.postMessage(seen, "*"));
    </script>`;
    const told = new Promise((resolve) => {
        addEventListener("message", ({ data }) => resolve(data));
    });
    document.body.append(frame);
    return told;
}

function explain(number, origin, url, { method, headers, credentials }) {
    const options = ["--origin", origin, "--url", url, "--format", "json"];
    if (method) options.push("--method", method);
    if (credentials) options.push("--credentials");
    for (const [name, value] of Object.entries(headers ?? {})) {
        options.push("--header", `${name}: ${value}`);
    }
    const file = path.join(folder, `${number}.json`);
    const { stdout, stderr } =
        spawnSync(cors, ["explain", file, ...options], { encoding: "utf8" });
    assert(stdout, stderr);
    return JSON.parse(stdout);
}

// The methods that came for a path.
function requests(target) {
    const log = fs.readFileSync(path.join(folder, "access.log"), "utf8");
    return log.split("\n").map((line) => line.split(" "))
        .filter(([, uri]) => uri === target).map(([method]) => method);
}

async function startNginx() {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    const locations = groups.map(({ policy }, number) => {
        const text = here(JSON.stringify(policy));
        fs.writeFileSync(path.join(folder, `${number}.json`), text);
        return `location /${number}/ {
            cors_policy ${number}.json;
            add_header X-Total 3 always;
            add_header X-Secret 4 always;
            add_header X-Cookie $http_cookie always;
            return 200 "answer";
            location ~ /401$ { return 401; }
            location ~ /404$ { return 404; }
            location ~ /500$ { return 500; }
            location ~ /redirect$ { return 307 /${number}/target; }
            location ~ /abroad$ { return 307 http://third.${site}/${number}/; }
        }`;
    });
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    fs.writeFileSync(path.join(folder, "nginx.conf"), `
        load_module ${module};
        daemon off;
        user root;
        worker_processes 1;
        pid ${folder}/nginx.pid;
        error_log ${folder}/error.log;
        events {}
        http {
            ${temporary.map((name) =>
                `${name}_temp_path ${folder}/temp_${name};`).join("\n")}
            default_type text/html;
            log_format methods "$request_method $uri";
            access_log ${folder}/access.log methods;
            proxy_cache_path ${folder}/cache keys_zone=answers:1m;
            server {
                listen 127.0.0.1:${site.split(":")[1]};
                listen 127.0.0.1:${other.split(":")[1]};
                location = /page { return 200 "<!doctype html><body>"; }
                location = /favicon.ico { return 204; }
                location /cached/ {
                    proxy_cache answers;
                    proxy_cache_valid 200 1h;
                    proxy_pass http://127.0.0.1:${site.split(":")[1]}/;
                }
                ${locations.join("\n")}
            }
        }`);
    const server = spawn(nginx, ["-p", folder, "-c", `${folder}/nginx.conf`],
        { stdio: "inherit" });
    await until(() => fs.existsSync(`${folder}/nginx.pid`));
    return server;
}

// Waits for what comes soon or never.
async function until(condition) {
    for (let i = 0; i < 100 && !condition(); i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

function freePort() {
    return new Promise((resolve) => {
        const listener = net.createServer().listen(0, "127.0.0.1", () => {
            const { port } = listener.address();
            listener.close(() => resolve(port));
        });
    });
}
