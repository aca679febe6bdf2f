// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Opens the pages of cases.mjs in a browser, against each server.

import assert from "node:assert/strict";
import path from "node:path";

import { missing, until, within } from "../server.mjs";
import { groups } from "./cases.mjs";
import { startServers } from "./servers.mjs";

// For what must come, however busy the machine is.
const SECONDS = 30;
// The servers of a case, with and without `block`, at the same time.
const TABS = 6;

export async function runBlocking(name, engine, options) {
    const folder = path.join(options.folder, `${name}-blocking`);
    const servers = await startServers({
        ...options, folder, httpdModules: options["httpd-modules"],
        apacheModule: options["apache-module"],
    });
    const runs = [];
    let browser;
    try {
        const start = engine.startTabs ?? engine.start;
        browser = await within(60, start({ ...options, folder }));
        const tabs = await browser.tabs(TABS);
        let number = 0;
        for (const group of groups) {
            for (const one of group.cases) {
                const whole = { ...group, ...one, ...one.differs?.[name] };
                const title = `blocking, ${group.name}: ${one.name}`;
                if (!title.match(options.only)) continue;
                const lacks = lacking(whole, browser);
                if (lacks) {
                    console.log(`SKIPPED ${title}: ${lacks}`);
                    continue;
                }
                const variants = variantsOf(whole, servers, ++number);
                const run = { group, one, whole, title, variants };
                runs.push(run);
                try {
                    await within(60,
                        runAll(servers, browser, tabs, whole, variants));
                } catch (error) {
                    run.error = error;
                }
            }
        }
        for (const run of runs) {
            try {
                if (run.error) throw run.error;
                judge(servers, browser, run);
            } catch (error) {
                run.failed = true;
                console.log(`FAILED ${run.title}\n${error.message}\n`);
            }
        }
    } finally {
        await within(10, browser?.close());
        servers.stop();
    }
    return { runs };
}

function lacking({ page, needs }, { extension }) {
    if (page === "extension") {
        return !extension && "the browser loads no extension";
    }
    return missing(needs);
}

// The case against each server, at each of its places.
function variantsOf({ places = ["guarded", "open"] }, { hosts }, number) {
    return hosts.flatMap((host) => places.map((place) =>
        ({ host, place, id: `${number}-${host.name}-${place}` })));
}

// Each tab takes the next.
async function runAll(servers, { extension }, tabs, whole, variants) {
    const left = [...variants];
    const ends = await Promise.allSettled(tabs.map(async (tab) => {
        while (left.length > 0) {
            await run(servers, extension, tab, whole, left.shift());
        }
    }));
    for (const { reason } of ends) if (reason) throw reason;
}

async function run(servers, extension, tab, whole, { host, place, id }) {
    const { page, how, via, then, sends, referrer, to = "site" } = whole;
    const origins = { ...servers.origins, ...host.origins, extension };
    const target = `${origins[to]}/${place}/${id}`;
    const order = {
        how,
        referrer,
        url: via ? `${origins[via]}/redirect?${encodeURIComponent(target)}`
            : target,
        done: `${origins.pages}/done?${id}`,
    };
    const file = page === "extension" ? "page.html" : "page";
    await tab.visit(`${origins[page]}/${file}?${id}`
        + `#${encodeURIComponent(JSON.stringify(order))}`);
    const came = (count) => soon(`${count} requests for ${target}`, () =>
        servers.came[host.name](id).length >= count);
    // After a form there may be no page that tells.
    await (sends.length === 0
        ? soon(`the end of ${id}`, () => servers.isDone(id)) : came(1));
    if (then) {
        await soon(target, async () => await tab.url() === target);
        await thens[then](tab, `${origins.pages}/page`);
    }
    await came(sends.length);
}

// What the user does with the result of a form.
const thens = {
    reload: (tab) => tab.reload(),

    async back(tab, other) {
        await tab.visit(other);
        await soon(other, async () => await tab.url() === other);
        await tab.back();
        // To an error page, if the browser does not send the form again.
        await soon(`the page before ${other}`, async () =>
            await tab.url() !== other);
    },
};

async function soon(what, condition) {
    if (!await until(condition, SECONDS)) {
        throw new Error(`waited ${SECONDS} s for ${what}`);
    }
}

function judge(servers, { extension }, { whole, variants }) {
    for (const { host, place, id } of variants) {
        const origins = { ...servers.origins, ...host.origins, extension };
        const named = (line) => text(line, origins);
        const came = servers.came[host.name](id);
        assert.deepEqual(came.map(named), whole.sends,
            `what ${host.name} got for ${id}`);
        const reach = whole.sends.filter((sent) =>
            !sent.startsWith("OPTIONS") && !isBlocked(whole, place, sent));
        const reached = servers.reached(id);
        assert.deepEqual(reached.map(named), reach,
            `what reached the application behind ${host.name} for ${id}`);
        if (whole.json) {
            assert(reached.every(({ status }) => status === "JSON"),
                `what reached the application for ${id} is not JSON`);
        }
        for (const line of came) {
            if (line.method === "OPTIONS") continue;
            assert.equal(line.status === "403",
                isBlocked(whole, place, named(line)),
                `${host.name} answers ${line.status} for ${id}`);
        }
    }
}

// `blocked` is true, or has the places where it is; `passes` what is not.
function isBlocked({ blocked = [], passes = [] }, place, sent) {
    if (passes.includes(sent)) return false;
    return blocked === true ? place !== "open" : blocked.includes(place);
}

// The line, with the names of the origins.
function text({ method, origin, site, upgrade }, origins) {
    const [name = origin] = Object.entries(origins)
        .find(([, value]) => value === origin) ?? [];
    return [method, name, site, ...upgrade === "-" ? [] : [upgrade]].join(" ");
}
