// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs the cases in browsers against nginx with the module, and those of
// blocking/ against Apache and Python too:
//
//     node run.mjs --nginx=PROGRAM --module=FILE --cors=PROGRAM
//         --httpd=PROGRAM --httpd-modules=FOLDER --apache-module=FILE
//         --python=PROGRAM --modules=FOLDER --folder=FOLDER [--only=REGEXP]
//         [--document=FILE] ENGINE...
//
// --python has libcors and uvicorn, --modules is where npm has put
// puppeteer-core, --folder a place for files.
// --only takes the cases whose "group: name" matches. --document writes what
// the browsers did, if all went as cases.mjs says.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";

import { runBlocking } from "./blocking/run.mjs";
import { groups } from "./cases.mjs";
import { writeDocument } from "./document.mjs";
import { engines } from "./engines.mjs";
import { missing, startServer, within } from "./server.mjs";

// What Chromium calls that which asks.
const KINDS = {
    xhr: "XMLHttpRequest", image: "image", font: "font", script: "script",
    module: "script", import: "script", style: "CSS stylesheet",
    track: "text track", events: "resource", preload: "link element resource",
    beacon: "resource",
};

// What it adds there, whatever script it is.
const XHR = " The credentials mode of requests initiated by the XMLHttpRequest"
    + " is controlled by the withCredentials attribute.";

const text = { type: "string" };
const { values: options, positionals } = parseArgs({
    options: {
        nginx: text, module: text, cors: text, httpd: text,
        "httpd-modules": text, "apache-module": text, python: text,
        modules: text, folder: text, only: { ...text, default: "" },
        document: text,
    },
    allowPositionals: true,
});
for (const name of ["nginx", "module", "cors", "apache-module", "python",
    "modules", "folder"]) {
    options[name] &&= path.resolve(options[name]);
}
const results = [];
for (const name of positionals) {
    const engine = engines[name];
    const program = engine.program();
    if (!program) {
        console.log(`${engine.name}: SKIPPED, it is not installed`);
        continue;
    }
    const begun = Date.now();
    const cors = await runAll(name, engine, program);
    const blocking = await runBlocking(name, engine, { ...options, program });
    const runs = [...cors.runs, ...blocking.runs];
    const failed = runs.filter(({ failed }) => failed).length;
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    console.log(`${engine.name} ${cors.version}: `
        + `${runs.length - failed} passed, ${failed} failed, ${seconds} s`);
    results.push({ name, title: engine.name, ...cors, blocking, failed });
}
if (results.some(({ failed }) => failed > 0)) {
    process.exitCode = 1;
} else if (options.document) {
    writeDocument(options.document, groups, results);
}

async function runAll(name, engine, program) {
    const folder = path.join(options.folder, name);
    const { nginx, module, modules } = options;
    const server = await startServer({ nginx, module, folder, groups });
    const runs = [];
    let browser;
    try {
        browser = await within(60, engine.start(
            { program, modules, server, folder }));
        server.names.EXTENSION = browser.extension;
        // The API's cookie.
        const api = server.here("http://api.SITE");
        await browser.ask(api, { url: `${api}/login` });
        for (const group of groups) {
            for (const one of group.cases) {
                const title = `${group.name}: ${one.name}`;
                if (!title.match(options.only)) continue;
                const lacks = lacking({ ...group, ...one }, engine);
                if (lacks) {
                    console.log(`SKIPPED ${title}: ${lacks}`);
                    continue;
                }
                const steps = await run(server, browser, group, one);
                runs.push({ group, one, title, steps });
            }
        }
        // nginx writes its log after it has answered, and the consoles' texts
        // come when they like.
        await new Promise((resolve) => setTimeout(resolve, 500));
        const requests = server.requests();
        for (const run of runs) {
            run.requests = requests.filter(({ uri }) => has(run, uri));
            run.messages = messagesOf(run, browser.messages);
            try {
                judge(name, server, run);
            } catch (error) {
                run.failed = true;
                console.log([
                    `FAILED ${run.title}`, error.message, ...run.messages, "",
                ].join("\n"));
            }
        }
    } finally {
        await within(10, browser?.close());
        server.stop();
    }
    return { version: browser.version, runs };
}

// Why the case cannot be run.
function lacking({ needs }, engine) {
    if (needs === "extension") {
        return !engine.extensions && `${engine.name} loads no extension`;
    }
    return missing(needs);
}

// Lets the page ask, once or more.
async function run(server, browser, group, one) {
    const folder = `/${group.folder}/${one.id}`;
    const here = (text) => server.here(text
        .replaceAll("FOLDER", folder).replaceAll("CASE", one.id));
    const steps = (one.steps ?? [{}]).map((step) => {
        const whole = { ...group, ...one, ...step };
        const { page = "APP", api = "http://api.SITE", path = "" } = whole;
        return {
            ...whole,
            page: here(page),
            url: `${here(api)}${folder}/${here(path)}`,
            seen: undefined,
        };
    });
    for (const step of steps) {
        const { url, frame, how, crossorigin, listener, method, headers, body,
            credentials, mode, cache, keepalive, redirect, timed } = step;
        if (step.grant) await browser.grant?.(step.page, step.grant);
        step.seen = await within(30, browser.ask(step.page, {
            url, frame, how, crossorigin, listener, method, headers, body,
            credentials, mode, cache, keepalive, redirect,
            timing: timed !== undefined,
        }));
    }
    return steps;
}

// Is the text about the case?
function has({ one }, text) {
    return text?.includes(`/${one.id}/`);
}

// WebKitGTK's message that gives the reason names no URL; the next one does.
// Where there is only a loopback interface, Chromium calls the network slow.
function messagesOf(run, all) {
    return all.filter((text, i) =>
        has(run, text) && !text.startsWith("Slow network is detected.")
        || text.startsWith("SECURITY ERROR") && !/case-\d/.test(text)
            && has(run, all[i + 1]));
}

function judge(engine, server, run) {
    const { one, steps, requests, messages } = run;
    const differs = one.differs?.[engine];
    steps.forEach((step, i) => {
        const { seen } = step;
        const expected = { ...step, ...differs };
        expected.sized ??= expected.timed;
        for (const name of
            ["reads", "shown", "type", "status", "timed", "sized"]) {
            if (expected[name] === undefined) continue;
            assert.equal(seen[name], expected[name],
                `step ${i + 1}, ${name}: ${JSON.stringify(seen)}`);
        }
        const headers = (seen.headers ?? [])
            .map((name) => name.toLowerCase());
        for (const name of expected.sees ?? []) {
            assert(headers.includes(name), `${name} cannot be seen`);
        }
        for (const name of expected.misses ?? []) {
            assert(!headers.includes(name), `${name} can be seen`);
        }
    });
    const expected = { ...one, ...differs };
    const wire = {
        sent: requests.map(({ method }) => method),
        origins: requests.map(({ origin }) => origin),
        verdicts: requests.map(({ verdicts }) => verdicts),
        caches: requests.map(({ cache }) => cache),
    };
    for (const [name, values] of Object.entries(wire)) {
        if (!expected[name]) continue;
        assert.deepEqual(values, expected[name].map(server.here), name);
    }
    for (const text of messages) judgeMessage(server, run, text);
    if (engine === "chromium") judgeExplain(server, run, wire.sent, messages);
}

// Whether the command understands what the console says.
function judgeMessage(server, run, text) {
    // Chromium says sooner or later that what was preloaded was not used.
    if (/was preloaded/.test(text)) return;
    const policy = server.policy(groups.find(({ policy }) => policy));
    const { stdout, stderr } = spawnSync(options.cors, [
        "explain", policy, "--format=json", "--origin=http://a.example",
        `--message=${text}`,
    ], { encoding: "utf8" });
    assert(stdout, `${text}: ${stderr}`);
    const { message } = JSON.parse(stdout);
    if (message.url) assert(has(run, message.url), `${text}: ${message.url}`);
}

// Whether the command foretold what Chromium did.
function judgeExplain(server, { group, one, steps }, sent, messages) {
    const foretold = steps.map((step) => {
        if (step.unexplained) return;
        const played = play(server, group, step);
        if (played.outcome === "unknown") return;
        assert.equal(played.outcome, step.seen.reads ? "allowed" : "blocked",
            `the command says ${played.outcome}: ${played.summary}`);
        return played;
    });
    if (foretold.includes(undefined)) return;
    if (steps.length === 1 && foretold[0].exchanges.length > 0) {
        const methods = foretold[0].exchanges.map(({ sent }) => sent.method);
        assert.deepEqual(sent, methods, "what the command says is sent");
    }
    const kind = KINDS[one.how] ?? "fetch";
    // What is blocked before CORS is looked at has messages of other kinds.
    const consoles = foretold.map(({ console }) => console)
        .filter((text) => text?.startsWith("Access to "))
        .map((text) => text.replace("Access to fetch", `Access to ${kind}`))
        .map((text) => text + (one.how === "xhr"
            && text.endsWith("mode is 'include'.") ? XHR : ""));
    const shown = messages.filter((text) => text.startsWith("Access to "));
    assert.deepEqual(shown, consoles, "the console");
}

function play(server, group, step) {
    const { page, origin = page, url, frame, method, credentials } = step;
    const opaque = ["sandbox", "data"].includes(frame);
    const words = group.policy ? ["explain", server.policy(group), "--url"]
        : ["probe"];
    words.push(url, "--format=json",
        `--origin=${opaque ? "null" : server.here(origin)}`);
    if (method) words.push(`--method=${method}`);
    if (credentials === "include") words.push("--credentials");
    const headers = { ...step.headers, ...step.asked };
    for (const [name, value] of Object.entries(headers)) {
        words.push(`--header=${name}: ${value}`);
    }
    const { stdout, stderr } =
        spawnSync(options.cors, words, { encoding: "utf8" });
    assert(stdout, stderr);
    return JSON.parse(stdout);
}
