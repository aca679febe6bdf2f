// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Does what a document says, with nginx and Chromium, and compares what comes
// of it with what the document shows:
//
//     node documents.mjs NGINX MODULE CORS MODULES FOLDER DOCUMENT
//
// MODULES is where npm has put puppeteer-core, FOLDER where the document's
// commands run. With UPDATE_DOCUMENTS=1 the document gets what came of it.
//
// What the fences say:
//
//     ```json cors.json       this is the file (any language); an nginx.conf
//                             gets what lets it run anywhere
//     ```console              commands ("$ ", "> "), what they print, and as
//                             `? 1` the exit status that is not 0
//     ```text page URL        the page is opened, and then has this text
//     ```text console [URL]   what its console has of CORS, each message once;
//                             of the page that is open, or of the URL
//     ```text log             what nginx logged since the page was opened
//
// The ports that the document names are mapped to free ones: in nginx.conf and
// vite.config.js by changing them, for Chromium by its resolver, for `cors` by
// a proxy. So neither of these two sees a difference. The folder is shown as
// /etc/nginx.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePorts } from "./browsers/server.mjs";

const [nginx, module, cors, modules, folder, file] =
    process.argv.slice(2).map((part) => path.resolve(part));
const { launch } = createRequire(modules + "/")("puppeteer-core");
const inFolder = (name) => path.join(folder, name);

const PAGE = "5173";
const API = ["8080", "8081"];
const named = [PAGE, ...API];
const free = await freePorts(named.length);
const ports = Object.fromEntries(named.map((port, i) => [port, `${free[i]}`]));
const mapped = (text) =>
    text.replace(/\b(5173|808[01])\b/g, (port) => ports[port]);
const unmapped = (text) => Object.entries(ports).reduce(
    (text, [port, free]) => text.replaceAll(`:${free} `, `:${port} `), text);

// The way for `cors`.
const tunnel = http.createServer().on("connect", ({ url }, client) => {
    const server = net.connect(ports[url.split(":")[1]], "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        client.pipe(server).pipe(client);
    });
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
});
await once(tunnel.listen(0, "127.0.0.1"), "listening");
const proxy = `http://127.0.0.1:${tunnel.address().port}`;

const running = [];
const document = fs.readFileSync(file, "utf8");
let browser;
let opened;
let passed = 0;
let failed = 0;
let found = "";
try {
    found = await run();
} finally {
    await browser?.close();
    for (const server of running.splice(0)) server.kill();
    tunnel.close();
}
if (process.env.UPDATE_DOCUMENTS) fs.writeFileSync(file, found);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

// The document with what came of it.
async function run() {
    fs.rmSync(inFolder("bin"), { recursive: true, force: true });
    fs.mkdirSync(inFolder("bin"));
    fs.symlinkSync(cors, inFolder("bin/cors"));
    fs.writeFileSync(inFolder("bin/nginx"), `#!/bin/sh\nexec '${nginx}' ${
        nginxArguments().map((part) => `'${part}'`).join(" ")} "$@"\n`,
        { mode: 0o755 });
    let text = "";
    let end = 0;
    for (const match of document.matchAll(/^```(.+)\n([^]*?)^```$/gm)) {
        const [whole, info, block] = match;
        const came = await outcome(info.split(" "), block);
        text += document.slice(end, match.index);
        text += "```" + info + "\n" + (came ?? block) + "```";
        end = match.index + whole.length;
        if (came === undefined) continue;
        if (came === block) {
            passed++;
            continue;
        }
        failed++;
        const line = document.slice(0, match.index).split("\n").length;
        const place = `${path.relative(".", file)}:${line}`;
        console.log(`FAILED ${place}: it is\n${came}`);
    }
    return text + document.slice(end);
}

// What comes of a block, where it shows something.
async function outcome([language, ...words], block) {
    if (language === "console") {
        await startServers();
        return commands(block);
    }
    if (language !== "text") {
        if (words.length === 1) {
            fs.writeFileSync(inFolder(words[0]),
                words[0] === "nginx.conf" ? anywhere(block) : block);
        }
        return undefined;
    }
    const [what, url] = words;
    if (url) await open(url);
    let came;
    // On a slow machine the page may go on after some silence.
    for (let i = 0; i < 30 && came !== block; i++) {
        if (i > 0) await sleep(100);
        came = await seen(what);
    }
    return came;
}

async function seen(what) {
    switch (what) {
    case "page":
        return (await opened.page.$eval("pre", (pre) => pre.innerText))
            .trimEnd() + "\n";
    case "console":
        return ([...opened.messages].join("\n") || "(nothing)") + "\n";
    case "log":
        return log().slice(opened.logged);
    default:
        return undefined;
    }
}

async function commands(block) {
    const came = [];
    for (const [lines] of block.matchAll(/^\$ .*\n(> .*\n)*/gm)) {
        const workers = exited();
        const { status, output } = await shell(lines.replace(/^[$>] /gm, ""));
        // The old worker answers for a while.
        if (lines.includes("-s reload") && status === 0) {
            await until(() => exited() > workers, "the reload");
        }
        came.push(lines + (status ? `? ${status}\n` : "")
            + (output.trimEnd() + "\n").replace(/^\n$/, ""));
    }
    return came.join("\n");
}

async function shell(command) {
    const process_ = spawn("sh", ["-c", `exec 2>&1; ${command}`], {
        cwd: folder,
        env: {
            ...process.env,
            PATH: `${inFolder("bin")}:${process.env.PATH}`,
            ALL_PROXY: proxy,
            NO_PROXY: "",
            no_proxy: "",
            // The age of the public suffix list does not depend on the day.
            SOURCE_DATE_EPOCH: "1796083200",
        },
        stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    process_.stdout.setEncoding("utf8").on("data", (part) => output += part);
    const [status] = await once(process_, "close");
    return { status, output: output.replaceAll(folder, "/etc/nginx") };
}

// Opens a page as one who has never been there.
async function open(url) {
    await startServers();
    await opened?.page.browserContext().close();
    const page = await (await browser.createBrowserContext()).newPage();
    opened = { page, messages: new Set(), logged: log().length };
    page.on("console", (message) => {
        const text = message.text().trimEnd();
        if (text.startsWith("Access to")) opened.messages.add(text);
    });
    await page.goto(url, { waitUntil: "networkidle0" });
}

async function startServers() {
    if (browser) return;
    const rules = Object.entries(ports).flatMap(([port, free]) =>
        ["localhost", "*.localhost"].map((host) =>
            `MAP ${host}:${port} 127.0.0.1:${free}`));
    browser = await launch({
        executablePath: execFileSync("which", ["chromium"]).toString().trim(),
        args: [
            `--host-resolver-rules=${rules.join(", ")}`,
            // Chromium's own sandbox does not run as root.
            ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
        ],
    });
    const conf = inFolder("nginx.conf");
    fs.writeFileSync(conf, mapped(fs.readFileSync(conf, "utf8")));
    const [out, errors] = ["access.log", "error.log"].map((name) => {
        fs.rmSync(inFolder(name), { force: true });
        return fs.openSync(inFolder(name), "a");
    });
    start(nginx, nginxArguments(), ["ignore", out, errors]);
    const vite = inFolder("vite.config.js");
    if (fs.existsSync(vite)) {
        fs.writeFileSync(vite, mapped(fs.readFileSync(vite, "utf8")));
        start("node", [inFolder("node_modules/vite/bin/vite.js"),
            "--host", "127.0.0.1", "--logLevel", "warn"], "inherit");
    } else {
        start("python3", ["-m", "http.server", "--bind", "127.0.0.1",
            ports[PAGE]], ["ignore", "ignore", "ignore"]);
    }
    for (const port of [PAGE, API[0]]) {
        await until(() => listens(ports[port]), `who answers for ${port}`);
    }
}

// A whole nginx.conf, for a folder and a user of any kind, line by line.
function anywhere(conf) {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    return conf
        .replace("load_module modules/ngx_http_cors_module.so;",
            "daemon off; pid nginx.pid; error_log error.log notice;")
        .replace("http {", `http { access_log access.log; ${
            temporary.map((name) => `${name}_temp_path temp_${name};`)
                .join(" ")}`);
}

function start(program, words, stdio) {
    const server = spawn(program, words, { cwd: folder, stdio });
    server.on("exit", (code) => {
        if (running.includes(server)) {
            console.log(`${program} has ended, status ${code}`);
        }
    });
    running.push(server);
}

function nginxArguments() {
    return ["-p", folder, "-e", inFolder("error.log"),
        "-c", inFolder("nginx.conf"), "-g", `load_module ${module};`];
}

function log() {
    return unmapped(fs.readFileSync(inFolder("access.log"), "utf8"));
}

// How many workers of nginx are gone.
function exited() {
    return fs.readFileSync(inFolder("error.log"), "utf8")
        .split("exited with code 0").length;
}

async function until(condition, what) {
    for (let i = 0; !await condition(); i++) {
        if (i === 1000) throw new Error(`${what}? See ${folder}`);
        await sleep(10);
    }
}

function listens(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, "127.0.0.1", () => {
            socket.destroy();
            resolve(true);
        }).on("error", () => resolve(false));
    });
}
