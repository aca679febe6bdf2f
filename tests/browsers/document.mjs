// SPDX-License-Identifier: MIT OR Apache-2.0
//
// RESULTS.md: what the browsers did with each case.

import fs from "node:fs";

import { groups as blocking } from "./blocking/cases.mjs";

const BLOCKING = `## Blocking

Here nginx, Apache and Python have a policy that lists \`trusted\`, with \`block\`. Each
request is sent to each of them, and also to a location whose policy has no \`block\`. The
table says what the standards make browsers send: the method, \`Origin\`,
\`Sec-Fetch-Site\` and \`Upgrade\`, if there is one. It says whether the request
*reaches* the application if the policy has \`block\`; without it, each does, except
preflights. ✓ means that the browser did the same, as the logs of the servers and the
application's log show.

| name | origin |
| --- | --- |
| \`site\` | the application's own, on https |
| \`port\`, \`sub\` | another port of the host, and a subdomain |
| \`trusted\`, \`evil\` | other sites |
| \`extension\` | an extension without permission for any host |
| \`changed\`, \`kept\` | the application's, behind a proxy that changes \`Host\` or keeps it |
| \`local-…\` | the same over http, on names of the loopback interface |
| \`http-…\` | the same over http, on private addresses |
`;

const INTRODUCTION = `# Browser results

\`make browser-results\` writes this page. [README.md](README.md) says what is tested,
and what \`APP\`, \`SITE\` and the like mean.

*Reads* says whether the standard lets the script read the response, and *timing* its
resource timing; *sent* says which requests reach the server. ✓ means that the
browser did the same, and - that it cannot run the case. Otherwise the table shows
what it did, and the text below the table says why. C1, F1 and W1 are messages of the
consoles, which are at the end of this page.
`;

export function writeDocument(file, groups, results) {
    const lines = [INTRODUCTION];
    for (const { title, version, runs, blocking } of results) {
        const count = runs.length + blocking.runs.length;
        lines.push(`- ${title} ${version}: ${count} cases`);
    }
    lines.push("");
    const consoles = results.map(() => []);
    for (const group of groups) {
        lines.push(`## ${group.name}`, "");
        if (group.policy) lines.push(...fence(group.policy));
        if (group.candidate) {
            lines.push("The candidate:", "", ...fence(group.candidate));
        }
        lines.push(
            row(["case", "reads", "sent",
                ...results.map(({ title }) => title)]),
            row(["---", "---", "---", ...results.map(() => "---")]));
        const whys = [];
        for (const one of group.cases) {
            const cells = results.map(({ name, runs }, i) => {
                const run = runs.find((run) => run.one === one);
                if (!run) return "-";
                const differs = one.differs?.[name];
                const notes = numbers(run, consoles[i], name[0].toUpperCase());
                const did = deviation(differs) ?? "✓";
                return [did, ...notes].join(" ");
            });
            lines.push(row([one.name, yesNo(one), sent(one.sent), ...cells]));
            for (const [name, { why }] of Object.entries(one.differs ?? {})) {
                const { title } = results.find((r) => r.name === name)
                    ?? { title: name };
                whys.push(`- ${escape(one.name)}, ${title}: ${escape(why)}`);
            }
        }
        lines.push("", ...(whys.length > 0 ? [...whys, ""] : []));
    }
    writeBlocking(lines, results);
    results.forEach(({ title, name }, i) => {
        lines.push(`## The console of ${title}`, "");
        consoles[i].forEach((text, number) => {
            const mark = name[0].toUpperCase() + (number + 1);
            lines.push(`- ${mark}: ${escape(text)}`);
        });
        lines.push("");
    });
    fs.writeFileSync(file, lines.join("\n").trimEnd() + "\n");
}

// What reached the applications.
function writeBlocking(lines, results) {
    lines.push(BLOCKING);
    for (const group of blocking) {
        lines.push(`### ${group.name}`, "",
            row(["page sends", "request", "reaches",
                ...results.map(({ title }) => title)]),
            row(["---", "---", "---", ...results.map(() => "---")]));
        const whys = new Set();
        for (const one of group.cases) {
            const cells = results.map(({ name, title, blocking: { runs } }) => {
                const run = runs.find((run) => run.one === one);
                if (!run) return "-";
                const differs = one.differs?.[name];
                if (!differs) return "✓";
                whys.add(`- ${title}: ${escape(differs.why)}`);
                const parts = [requests(differs.sends)];
                if (reaches(run.whole) !== reaches(one)) {
                    parts.push(`reaches: ${reaches(run.whole)}`);
                }
                return parts.join("; ");
            });
            lines.push(row(
                [one.name, requests(one.sends), reaches(one), ...cells]));
        }
        lines.push("", ...(whys.size > 0 ? [...whys, ""] : []));
    }
}

function requests(sends) {
    return sends.map((sent) => `\`${sent}\``).join(", ") || "none";
}

function reaches({ sends, blocked, passes }) {
    if (sends.every((sent) => sent.startsWith("OPTIONS"))) return "no";
    if (blocked === true) return "no";
    if (!blocked) return "yes";
    const only = passes ? "the last one only" : "only";
    return `${only} if its origin is listed`;
}

// What the console said of CORS, each text once in the document.
function numbers({ messages }, texts, letter) {
    // Chromium says sooner or later that what was preloaded was not used.
    const kept = messages.filter((text) => !/was preloaded/.test(text));
    const plain = kept.map((text) => text.replaceAll(
        /https?:\/\/(?:\w+:\w+@)?[\w.*-]+(:\d+)?(\/[^\s'"’,)]*[^\s'"’,).])?/g,
        (all, port, path) => (path ? "URL" : "ORIGIN"),
    ).replaceAll(/:\d{4,5}\b/g, ":PORT"));
    return [...new Set(plain)].map((text) => {
        if (!texts.includes(text)) texts.push(text);
        return letter + (texts.indexOf(text) + 1);
    });
}

function deviation(differs) {
    if (!differs) return;
    const parts = [];
    if (differs.reads !== undefined) {
        parts.push(differs.reads === true ? "reads" : "does not read");
    }
    if (differs.sized === false) parts.push("no transferSize");
    if (differs.sent) parts.push(`sends ${sent(differs.sent)}`);
    if (differs.origins) parts.push(`Origin: ${differs.origins.join(" ")}`);
    return parts.join(", ");
}

function yesNo({ reads, steps, timed }) {
    const all = steps?.map((step) => step.reads ?? reads) ?? [reads];
    const words = all.map((reads) => (reads ? "yes" : "no"));
    const text = new Set(words).size === 1 ? words[0] : words.join(", ");
    if (timed === undefined) return text;
    return `${text}; timing: ${timed ? "yes" : "no"}`;
}

function sent(methods) {
    return methods.join(" ") || "nothing";
}

function fence(policy) {
    const line = JSON.stringify(policy, null, 1).replaceAll(/\n\s*/g, " ");
    return ["```json", line, "```", ""];
}

function row(cells) {
    return `| ${cells.map(escape).join(" | ")} |`;
}

function escape(text) {
    return text.replaceAll(/[|*<]/g, "\\$&");
}
