// SPDX-License-Identifier: MIT OR Apache-2.0
//
// nginx with the module, as cases.mjs wants it: each group of cases has a
// folder with its policy, each case a folder in it.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";

const FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

const PAGE = "<!doctype html><body><script src=/page.js></script>";

// Of the loopback interface: nothing listens where others could reach it.
const addresses = Object.values(os.networkInterfaces()).flat()
    .filter(({ internal }) => internal).map(({ address }) => address);
const ipv6 = addresses.includes("::1");
// Those of network.sh: two private ones, and one for documentation (RFC 5737),
// which browsers take for public.
export const LAN = "192.168.77.1", STRANGER = "192.168.77.2";
const PUBLIC = "203.0.113.1";
const hosts = [LAN, PUBLIC].filter((host) => addresses.includes(host));

// Why the machine cannot run a case.
export function missing(needs) {
    if (needs === "::1" && !ipv6) return "there is no ::1";
    if (needs === "LAN" && hosts.length < 2) return "there is no network.sh";
}

export async function startServer({ nginx, module, folder, groups }) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    const [port, other, tls, inner, drive, dead] =
        await freePorts(6);
    // Browsers take names that end in .localhost for the loopback interface
    // without asking a DNS server. cors.localhost is one site, so that cookies
    // are no third party's.
    const names = {
        APP: `http://app.cors.localhost:${port}`,
        SITE: `cors.localhost:${port}`,
        OTHER: `cors.localhost:${other}`,
        TLS: `cors.localhost:${tls}`,
        PORT: String(port),
        OTHERPORT: String(other),
        TLSPORT: String(tls),
        LAN,
        PUBLIC,
    };
    const here = (text) => text.replaceAll(
        /APP|SITE|(OTHER|TLS)?PORT|OTHER|TLS|LAN|PUBLIC|EXTENSION/g,
        (name) => names[name]);

    makeCertificate(folder);
    // me:secret
    fs.writeFileSync(`${folder}/passwords`, "me:{PLAIN}secret\n");
    fs.copyFileSync(new URL("page.js", import.meta.url),
        `${folder}/page.js`);

    let number = 0;
    const locations = groups.map((group) => {
        for (const one of group.cases) one.id = `case-${++number}`;
        group.folder = group.name.replaceAll(/\W+/g, "-");
        const policy = (name, content) => {
            if (!content) return "";
            const file = `${group.folder}.${name}.json`;
            fs.writeFileSync(`${folder}/${file}`,
                here(JSON.stringify(content)));
            return `${name} ${file};`;
        };
        return `location /${group.folder}/ {
            ${policy("cors_policy", group.policy)}
            ${policy("cors_report_only", group.candidate)}
            include paths.conf;
            ${group.cases.map((one) => answers(group, one, here)).join("\n")}
        }`;
    });
    fs.writeFileSync(`${folder}/paths.conf`, paths(inner, dead));
    fs.writeFileSync(`${folder}/nginx.conf`, configuration({
        module, folder, port, other, tls, inner, drive,
        locations: locations.join("\n"),
        behind: groups.filter(isCached).map(behindCache).join("\n"),
    }));
    const said = `${folder}/stderr`;
    const server = spawn(nginx, ["-p", folder, "-c", `${folder}/nginx.conf`],
        { stdio: ["ignore", "inherit", fs.openSync(said, "w")] });
    process.on("exit", () => server.kill());
    const pid = `${folder}/nginx.pid`;
    if (!await until(() => fs.existsSync(pid) && fs.statSync(pid).size > 0)) {
        throw new Error(fs.readFileSync(said, "utf8"));
    }
    return {
        here,
        names,
        drive,
        policy: (group) => `${folder}/${group.folder}.cors_policy.json`,
        requests: () => requests(`${folder}/access.log`),
        stop: () => server.kill(),
    };
}

export function makeCertificate(folder) {
    execFileSync("openssl", [
        "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=cors.localhost",
        "-addext", "subjectAltName=DNS:*.cors.localhost",
        "-keyout", `${folder}/key.pem`, "-out", `${folder}/certificate.pem`,
    ], { stdio: "ignore" });
}

// What has reached nginx.
function requests(file) {
    return fs.readFileSync(file, "utf8").trim().split("\n").map((line) => {
        const [method, uri, origin, verdict, candidate, cache] =
            line.split(" ");
        const verdicts = `${verdict} ${candidate}`;
        return { method, uri, origin, verdicts, cache };
    });
}

// What there is in each case's folder.
function paths(inner, dead) {
    const statuses = [401, 403, 404, 405, 429, 500, 503];
    const redirects = [302, 303, 307];
    const file = (name, type, text) => `location ~ /${name}$ {
        default_type ${type};
        return 200 ${JSON.stringify(text)};
    }`;
    return `
        add_header X-Total 3 always;
        add_header X-Secret 4 always;
        add_header X-Cookie $http_cookie always;
        return 200 "answer";
        ${statuses.map((status) =>
            `location ~ /${status}$ { return ${status}; }`).join("\n")}
        ${redirects.map((status) =>
            `location ~ /to/${status}$ { return ${status} $args; }`)
            .join("\n")}
        location ~ /204$ { return 204; }
        location ~ /paged$ { error_page 404 /errors; return 404; }
        location ~ /dead$ { proxy_pass http://127.0.0.1:${dead}; }
        location ~ /application$ { proxy_pass http://127.0.0.1:${inner}; }
        location ~ /protected$ {
            auth_basic me;
            auth_basic_user_file passwords;
            proxy_pass http://127.0.0.1:${inner};
        }
        location ~ /denied$ {
            deny all;
            proxy_pass http://127.0.0.1:${inner};
        }
        location ~ /limited$ {
            limit_req zone=asked;
            proxy_pass http://127.0.0.1:${inner};
        }
        location ~ /cookie$ {
            add_header Set-Cookie new=1;
            return 200 "answer";
        }
        location ~ /cached$ {
            add_header Cache-Control max-age=60;
            return 200 "answer";
        }
        location ~ /cached-(here|twice|unvaried)$ {
            cors_policy off;
            proxy_cache answers;
            proxy_cache_valid 200 1h;
            location ~ /cached-unvaried$ {
                proxy_ignore_headers Vary;
                proxy_pass http://127.0.0.1:${inner};
            }
            proxy_pass http://127.0.0.1:${inner};
        }
        location ~ /own-timing$ {
            add_header Timing-Allow-Origin *;
            return 200 "answer";
        }
        location ~ /cached.gif$ {
            add_header Cache-Control max-age=60;
            empty_gif;
        }
        location ~ /file.gif$ { empty_gif; }
        location ~ /file.ttf$ { alias ${FONT}; }
        ${file("file.js", "text/javascript", "1")}
        ${file("file.mjs", "text/javascript", "export default 1")}
        ${file("file.css", "text/css", "p { color: red }")}
        ${file("file.vtt", "text/vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nA")}
        ${file("events", "text/event-stream", "data: a\n\n")}`;
}

function isCached({ cases }) {
    return cases.some(({ path }) => path?.startsWith("cached-"));
}

// The server behind the cache.
function behindCache({ folder }) {
    return `location /${folder}/ {
        cors_policy ${folder}.cors_policy.json;
        location ~ /cached-twice$ {
            add_header Cache-Control max-age=60;
            return 200 "answer";
        }
        return 200 "answer";
    }`;
}

// The answers of a server that has no module, where a case has such.
function answers(group, one, here) {
    if (!one.answer && !one.preflight) return "";
    const directives = ([status, ...headers] = [200]) => {
        let location = "";
        const lines = headers.map((header) => {
            const [, name, value] = /^(.+?): (.*)$/.exec(here(header));
            if (name === "Location") location = value;
            else return `add_header ${name} ${JSON.stringify(value)} always;`;
        });
        const body = status === 200 ? "answer" : location;
        return `${lines.join("\n")} return ${status} ${body};`;
    };
    const preflight = one.preflight &&
        `if ($request_method = OPTIONS) { ${directives(one.preflight)} }`;
    return `location = /${group.folder}/${one.id}/ {
        ${preflight ?? ""}
        ${directives(one.answer)}
    }`;
}

function configuration(
    { module, folder, port, other, tls, inner, drive, locations, behind }) {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    return `
        ${module ? `load_module ${module};` : ""}
        daemon off;
        ${process.getuid() === 0 ? "user root;" : ""}
        worker_processes 1;
        pid ${folder}/nginx.pid;
        error_log ${folder}/error.log;
        events {}
        http {
            ${temporary.map((name) =>
                `${name}_temp_path ${folder}/temp_${name};`).join("\n")}
            default_type text/html;
            log_format requests "$request_method $request_uri $http_origin "
                "$cors_verdict $cors_report_verdict $upstream_cache_status";
            proxy_cache_path ${folder}/cache keys_zone=answers:1m;
            limit_req_zone $request_uri zone=asked:1m rate=1r/m;
            server_names_hash_bucket_size 128;
            large_client_header_buffers 4 16k;
            server {
                listen 127.0.0.1:${port};
                listen 127.0.0.2:${port};
                ${ipv6 ? `listen [::1]:${port};` : ""}
                listen 127.0.0.1:${other};
                ${hosts.map((host) => `listen ${host}:${port};
                    listen ${host}:${other};
                    listen ${host}:${tls} ssl;`).join("\n")}
                listen 127.0.0.1:${tls} ssl http2;
                ssl_certificate certificate.pem;
                ssl_certificate_key key.pem;
                location = /page {
                    return 200 "${PAGE}";
                }
                location = /driven {
                    return 200 "${PAGE}<script>drive()</script>";
                }
                location = /page.js {
                    default_type text/javascript;
                    alias ${folder}/page.js;
                }
                location = /login {
                    add_header Set-Cookie "sid=1; Path=/";
                    return 200 "";
                }
                location = /errors { internal; return 404 "no such page"; }
                location = /favicon.ico { return 204; }
                location /drive/ {
                    proxy_read_timeout 600s;
                    proxy_pass http://127.0.0.1:${drive};
                }
                access_log ${folder}/access.log requests;
                ${locations}
            }
            # An application that answers with CORS headers of its own; and
            # the server behind the cache.
            server {
                listen 127.0.0.1:${inner};
                access_log off;
                location / {
                    add_header Access-Control-Allow-Origin * always;
                    add_header Access-Control-Allow-Origin $http_origin always;
                    add_header Access-Control-Allow-Credentials true always;
                    if ($request_method = OPTIONS) { return 405; }
                    return 200 "application";
                }
                ${behind}
            }
        }`;
}

// Waits for what comes soon or never.
export async function until(condition, seconds = 1) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
        if (await condition()) return true;
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
}

// A browser that hangs ends the run.
export function within(seconds, promise) {
    let timer;
    const late = new Promise((resolve, reject) => {
        const error = new Error(`the browser says nothing for ${seconds} s`);
        timer = setTimeout(() => reject(error), seconds * 1000);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Ports that nothing listens on, all different.
export async function freePorts(count) {
    const listeners = Array.from({ length: count },
        () => net.createServer().listen(0, "127.0.0.1"));
    await Promise.all(listeners.map((one) => once(one, "listening")));
    const ports = listeners.map((one) => one.address().port);
    listeners.forEach((one) => one.close());
    return ports;
}
