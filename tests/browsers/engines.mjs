// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The browsers: Debian's, each driven in the way in which its console can be
// read.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

import { freePorts, until } from "./server.mjs";

// Each gives, once started: `version`; `ask(origin, request)`, which runs
// page.js's `ask` on a page of the origin; `messages`, its console so far;
// `close()`. If it loads extensions, also `extension`, the origin of ours.
// `tabs(count)` gives so many tabs, or one if there cannot be more. A tab has
// `visit(url)`; `url()`, its URL once the page is loaded; `reload()`, `back()`. If
// there is a `startTabs`, only what that starts has tabs.
export const engines = {
    chromium: {
        name: "Chromium",
        program: () => find("chromium"),
        extensions: true,
        start: (options) => startPuppeteer(options, {
            // Chromium's own sandbox does not run as root.
            args: process.getuid() === 0 ? ["--no-sandbox"] : [],
            enableExtensions: true,
            pipe: true,
        }),
    },
    firefox: {
        name: "Firefox",
        program: () => find("firefox-esr") ?? find("firefox"),
        extensions: true,
        // WebDriver BiDi. The console's CORS messages come as errors.
        start: (options) => startPuppeteer(options, {
            browser: "firefox",
            // Else the host of the extension's origin is random.
            extraPrefsFirefox: {
                "extensions.webextensions.uuids":
                    JSON.stringify({ [EXTENSION.id]: EXTENSION.host }),
                // A form is sent again without asking the user.
                "dom.confirm_repost.testing.always_accept": true,
            },
        }),
    },
    webkit: {
        name: "WebKitGTK",
        // With the library, for each of Debian's architectures.
        program: () => find("Xvfb") && find("WebKitWebDriver")
            && fs.readdirSync("/usr/lib").map((folder) =>
                `/usr/lib/${folder}/webkit2gtk-4.1/MiniBrowser`)
                .find((file) => fs.existsSync(file)),
        extensions: false,
        start: startMiniBrowser,
        startTabs: startWebDriver,
    },
};

// What the extension is for Firefox; Chromium makes its host of its folder.
const EXTENSION = {
    id: "extension@cors.localhost",
    host: "3f0c0a7e-92d0-4ac5-8c4e-5b1d1d3b7c21",
};

// An extension with one page, and without permission for any host, so that its
// requests are like those of other pages.
function writeExtension(folder, browser) {
    fs.mkdirSync(folder);
    for (const script of ["page.js", "blocking/sender.js"]) {
        fs.copyFileSync(new URL(script, import.meta.url),
            `${folder}/${path.basename(script)}`);
    }
    fs.writeFileSync(`${folder}/page.html`,
        "<!doctype html><body><script src=page.js></script>"
        + "<script src=sender.js></script>");
    fs.writeFileSync(`${folder}/background.js`,
        "browser.tabs.create({ url: 'page.html' });");
    fs.writeFileSync(`${folder}/manifest.json`, JSON.stringify({
        manifest_version: 3, name: "page", version: "1",
        ...browser === "firefox" && {
            background: { scripts: ["background.js"] },
            browser_specific_settings: { gecko: { id: EXTENSION.id } },
        },
    }));
    return folder;
}

// The page that Firefox's extension opens, since WebDriver may not go there. It
// may still be empty, and puppeteer does not see that it changes.
async function opened(browser, origin) {
    for (;;) {
        for (const page of await browser.pages()) {
            const ready = await page.evaluate((origin) =>
                origin === self.origin && document.readyState === "complete",
            origin).catch(() => false);
            if (ready) return page;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

async function startPuppeteer({ modules, program, folder }, options) {
    const { launch } = createRequire(modules + "/")("puppeteer-core");
    const browser = await launch({
        ...options,
        executablePath: program,
        acceptInsecureCerts: true,
    });
    const id = await browser.installExtension(
        writeExtension(`${folder}/extension`, options.browser));
    const messages = [];
    const pages = new Map();
    const open = async (page) => {
        page.on("console", (message) => messages.push(message.text()));
        page.on("pageerror", (error) => messages.push(error.message));
        page.on("workercreated", async (worker) => {
            // In Chromium each has a log of its own, in Firefox the page has
            // them.
            if (options.browser) return;
            worker.client.on("Log.entryAdded",
                ({ entry }) => messages.push(entry.text));
            await worker.client.send("Log.enable");
        });
        return page;
    };
    const extension = options.browser === "firefox"
        ? `moz-extension://${EXTENSION.host}` : `chrome-extension://${id}`;
    if (options.browser === "firefox") {
        pages.set(extension, await open(await opened(browser, extension)));
    }
    return {
        version: (await browser.version()).split("/")[1],
        messages,
        extension,
        grant: (origin, name) => browser.defaultBrowserContext().setPermission(
            origin, { permission: { name }, state: "granted" }),
        async ask(origin, request) {
            if (!pages.has(origin)) {
                const page = await open(await browser.newPage());
                await page.goto(`${origin}/page`
                    + (origin === extension ? ".html" : ""));
                pages.set(origin, page);
            }
            return pages.get(origin)
                .evaluate((request) => ask(request), request);
        },
        tabs: (count) => Promise.all(Array.from({ length: count },
            async () => {
                const page = await browser.newPage();
                return {
                    // A page may leave at once for where its form goes. And
                    // Firefox has only one that WebDriver does not open.
                    async visit(url) {
                        const kept = url.startsWith(extension)
                            && pages.get(extension);
                        if (kept) {
                            await kept.evaluate((hash) => {
                                location.hash = hash;
                            }, new URL(url).hash);
                        } else {
                            page.goto(url).catch(() => {});
                        }
                    },
                    url: () => page.evaluate(URL_IF_LOADED).catch(() => {}),
                    // puppeteer may wait in vain for what comes of these.
                    reload: () => { page.reload().catch(() => {}); },
                    back: () => { page.goBack().catch(() => {}); },
                };
            })),
        close: () => browser.close(),
    };
}

// WebKitWebDriver gives no console, and MiniBrowser, which else writes it, does
// not while it is so driven. So a page asks here what to do next: page.js has
// `drive`.
async function startMiniBrowser({ program, server, folder }) {
    const { env, children, stop } = await startXvfb(folder);
    const version = spawnSync(program, ["--version"], { env });

    let idle;      // the page's question, while it waits
    let asked;     // what waits for the page's next question
    let answered;  // what waits for the page's answer
    const control = http.createServer(async (request, response) => {
        let body = "";
        for await (const part of request) body += part;
        if (request.method === "POST") {
            response.end();
            answered(JSON.parse(body));
            return;
        }
        idle = response;
        asked?.();
    }).listen(server.drive, "127.0.0.1");
    const ready = async () => {
        if (!idle) await new Promise((resolve) => { asked = resolve; });
        const response = idle;
        idle = asked = undefined;
        return (order) => response.end(JSON.stringify(order));
    };

    const browser = spawn(program, [
        "--enable-write-console-messages-to-stdout=true",
        "--ignore-tls-errors", server.here("http://api.SITE/driven"),
    ], { env, stdio: ["ignore", "ignore", "pipe"] });
    children.push(browser);
    const messages = [];
    // Not to standard output, whatever the option's name.
    readline.createInterface({ input: browser.stderr }).on("line", (line) => {
        // A message begins with its place, if it has one.
        const [, message] = /CONSOLE (.*)/.exec(line) ?? [];
        if (message) messages.push(message);
    });
    let at = server.here("http://api.SITE");
    return {
        version: String(version.stdout).trim().split(" ").pop(),
        messages,
        async ask(origin, request) {
            if (at !== origin) (await ready())({ page: `${origin}/driven` });
            at = origin;
            const order = await ready();
            const seen = new Promise((resolve) => { answered = resolve; });
            order(request);
            return seen;
        },
        async close() {
            stop();
            control.closeAllConnections();
            control.close();
        },
    };
}

// A screen that nobody sees, the environment of what is shown there, and what
// ends with it.
async function startXvfb(folder) {
    const xvfb = spawn("Xvfb", ["-displayfd", "3", "-nolisten", "tcp"],
        { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const children = [xvfb];
    const stop = () => children.forEach((child) => child.kill());
    process.on("exit", stop);
    const [display] = await once(xvfb.stdio[3], "data");
    const home = `${folder}/home`;
    const env = {
        PATH: process.env.PATH, DISPLAY: `:${String(display).trim()}`,
        HOME: home, XDG_RUNTIME_DIR: home,
    };
    return { env, children, stop };
}

// MiniBrowser by WebDriver, which can go back and load again. Its one window is
// the tab.
async function startWebDriver({ program, folder }) {
    const { env, children, stop } = await startXvfb(folder);
    const [port] = await freePorts(1);
    const driver = spawn("WebKitWebDriver", [`--port=${port}`],
        { env, stdio: "ignore" });
    children.push(driver);
    const call = async (method, path, body) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
            method, body: body && JSON.stringify(body),
        });
        const { value } = await response.json();
        if (!response.ok) throw new Error(value.message);
        return value;
    };
    await until(() => call("GET", "/status").catch(() => false), 30);
    const { sessionId } = await call("POST", "/session", {
        capabilities: { alwaysMatch: {
            acceptInsecureCerts: true,
            // A page may leave at once for where its form goes.
            pageLoadStrategy: "none",
            "webkitgtk:browserOptions": { binary: program, args: [
                "--automation",
                // Without a click of the user.
                "--javascript-can-open-windows-automatically=true",
            ] },
        } },
    });
    const at = `/session/${sessionId}`;
    const tab = {
        visit: (url) => call("POST", `${at}/url`, { url }),
        url: () => call("POST", `${at}/execute/sync`,
            { script: `return ${URL_IF_LOADED}`, args: [] }).catch(() => {}),
        reload: () => call("POST", `${at}/refresh`, {}),
        back: () => call("POST", `${at}/back`, {}),
    };
    return {
        tabs: () => [tab],
        async close() {
            await call("DELETE", at).catch(() => {});
            stop();
        },
    };
}

const URL_IF_LOADED = "document.readyState === 'complete' && location.href";

function find(program) {
    const { stdout } = spawnSync("which", [program], { encoding: "utf8" });
    return stdout.trim() || undefined;
}
