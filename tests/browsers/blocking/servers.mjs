// SPDX-License-Identifier: MIT OR Apache-2.0
//
// nginx and Apache with their modules, and Python with the middleware, each
// with the same application; proxies before them; and the servers of other
// sites. The logs have a line for each request: method, path, Origin,
// Sec-Fetch-Site, Upgrade, status; - is what was not sent.

import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";

import {
    LAN, STRANGER, freePorts, makeCertificate, missing, until,
} from "../server.mjs";

export const HOSTS = ["nginx", "apache", "python"];
// Those whose Host the proxy changes, and keeps.
const WAYS = ["changed", "kept"];

const FOREIGN = ["evil", "trusted", "pages"];

export async function startServers(
    { folder, nginx, module, httpd, httpdModules, apacheModule, python }) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    // The children of Apache are not root, and must get there.
    fs.chmodSync(folder, 0o755);
    makeCertificate(folder);
    const lan = !missing("LAN");
    const ports = await freePorts(20);
    const [foreign, plain, local, proxy, ...rest] = ports;
    const next = () => rest.pop();

    // What stands for an origin in the cases. All that ends in .localhost is
    // the loopback interface; site.localhost and evil.localhost are two sites.
    const origins = { sub: `https://sub.site.localhost:${foreign}` };
    for (const name of FOREIGN) {
        origins[name] = `https://${name}.localhost:${foreign}`;
    }
    origins.port = `https://site.localhost:${foreign}`;
    origins["local-evil"] = `http://evil.localhost:${local}`;
    origins["http-evil"] = `http://${STRANGER}:${plain}`;
    const hosts = HOSTS.map((name) => {
        const host = { name, tls: next(), lan: next(), inner: next() };
        host.origins = {
            site: `https://site.localhost:${host.tls}`,
            "local-site": `http://site.localhost:${host.inner}`,
            "http-site": `http://${LAN}:${host.lan}`,
        };
        host.proxies = WAYS.map((way) => {
            const port = next();
            host.origins[way] = `https://${way}-${name}.localhost:${proxy}`;
            host.origins[`http-${way}`] = `http://${LAN}:${port}`;
            return { way, port, host };
        });
        return host;
    });
    const application = next();

    const open = {
        allow_origins: [origins.trusted], allow_credentials: true,
        allow_methods: ["PUT"],
    };
    const guarded = { ...open, block: ["unsafe_methods", "websockets"] };
    const proxied = hosts.flatMap(({ origins }) =>
        [origins.changed, origins["http-changed"]]);
    const plainly = proxied.filter((origin) => origin.startsWith("http:"));
    const listed = {
        ...guarded, allow_origins: [...open.allow_origins, ...proxied],
        dangerously_allow: { insecure_origins: plainly },
    };
    const write = (name, text) => fs.writeFileSync(`${folder}/${name}`,
        typeof text === "string" ? text : JSON.stringify(text));
    write("open.json", open);
    write("guarded.json", guarded);
    write("listed.json", listed);

    const addresses = (host) => [
        ["127.0.0.1", host.tls, true],
        ["127.0.0.1", host.inner, false],
        ...lan ? [[LAN, host.lan, false]] : [],
    ];
    const [first, second, third] = hosts;
    write("ports.json", [
        ["127.0.0.1", application, "plain", false],
        ...addresses(third).map(([address, port, tls]) =>
            [address, port, "guarded", tls]),
    ]);
    const asRoot = process.getuid() === 0;
    write("nginx.conf", nginxConfiguration({
        module, asRoot, application, addresses: addresses(first), proxy, lan,
        proxies: hosts.flatMap(({ proxies }) => proxies),
    }));
    write("httpd.conf", apacheConfiguration({
        folder, asRoot, modules: httpdModules, module: apacheModule,
        application, addresses: addresses(second),
    }));

    const children = [];
    const start = (name, program, ...words) => {
        const output = fs.openSync(`${folder}/${name}.output`, "w");
        children.push(spawn(program, words,
            { stdio: ["ignore", output, output] }));
    };
    const kill = () => children.forEach((child) => child.kill());
    process.on("exit", kill);
    start("python", python,
        new URL("application.py", import.meta.url).pathname, folder);
    start("nginx", nginx, "-p", folder, "-e", "error.log", "-c", "nginx.conf");
    start("apache", httpd, "-d", folder, "-f", `${folder}/httpd.conf`,
        "-D", "FOREGROUND");
    const others = startForeign({ folder, foreign, plain, local, lan });
    const stop = () => {
        kill();
        others.stop();
    };
    for (const { name, inner } of [...hosts,
        { name: "python", inner: application }]) {
        const answers = () => fetch(`http://127.0.0.1:${inner}/page`)
            .then(({ ok }) => ok, () => false);
        if (await until(answers, 30)) continue;
        stop();
        throw new Error(`${name} does not answer: `
            + fs.readFileSync(`${folder}/${name}.output`, "utf8"));
    }
    return {
        hosts,
        origins,
        // What has come to a host, and what has reached the application.
        came: Object.fromEntries(HOSTS.map((name) =>
            [name, follow(`${folder}/${name}.log`)])),
        reached: follow(`${folder}/application.log`),
        isDone: others.isDone,
        stop,
    };
}

// Reads on in a log: the requests so far whose path ends in a name.
function follow(file) {
    const requests = new Map();
    let from = 0;
    return (id) => {
        const size = fs.existsSync(file) ? fs.statSync(file).size : 0;
        if (size > from) {
            const text = fs.readFileSync(file, "utf8").slice(from);
            // The last line may not be whole yet.
            const whole = text.slice(0, text.lastIndexOf("\n") + 1);
            from += whole.length;
            for (const line of whole.trim().split("\n")) {
                const [method, path, origin, site, upgrade, status] =
                    line.split(" ");
                const name = path.split("/").pop();
                if (!requests.has(name)) requests.set(name, []);
                requests.get(name)
                    .push({ method, origin, site, upgrade, status });
            }
        }
        return requests.get(id) ?? [];
    };
}

// The sites of others: their pages, their redirects to whatever the query
// says, of WebSockets too, and where pages tell that they are done.
function startForeign({ folder, foreign, plain, local, lan }) {
    const done = new Set();
    const file = (name) =>
        fs.readFileSync(new URL(name, import.meta.url), "utf8");
    const target = ({ url }) => decodeURIComponent(url.split("?")[1]);
    const answer = (request, response) => {
        const path = request.url.split("?")[0];
        request.resume();
        if (path === "/redirect") {
            response.writeHead(307, { Location: target(request) }).end();
        } else if (path === "/done") {
            done.add(target(request));
            response.end();
        } else if (path === "/sender.js") {
            response.setHeader("Content-Type", "text/javascript");
            response.end(file("sender.js"));
        } else {
            response.setHeader("Content-Type", "text/html");
            response.end(file("page.html"));
        }
    };
    const upgrade = (request, socket) => socket.end(
        "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n"
        + `Location: ${target(request).replace(/^http/, "ws")}\r\n\r\n`);
    const tls = {
        key: fs.readFileSync(`${folder}/key.pem`),
        cert: fs.readFileSync(`${folder}/certificate.pem`),
    };
    const servers = [
        https.createServer(tls, answer).listen(foreign, "127.0.0.1"),
        http.createServer(answer).listen(local, "127.0.0.1"),
    ];
    if (lan) servers.push(http.createServer(answer).listen(plain, STRANGER));
    for (const server of servers) server.on("upgrade", upgrade);
    return {
        isDone: (name) => done.has(name),
        stop() {
            for (const server of servers) {
                server.closeAllConnections();
                server.close();
            }
        },
    };
}

function nginxConfiguration(
    { module, asRoot, application, addresses, proxy, proxies, lan }) {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const pass = (port) => `
        proxy_pass http://127.0.0.1:${port};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $upgrading;`;
    return `
        ${module ? `load_module ${module};` : ""}
        daemon off;
        ${asRoot ? "user root;" : ""}
        worker_processes 1;
        pid nginx.pid;
        error_log error.log;
        events {}
        http {
            ${temporary.map((name) =>
                `${name}_temp_path temp_${name};`).join("\n")}
            log_format came "$request_method $uri $http_origin "
                "$http_sec_fetch_site $http_upgrade $status";
            map $http_connection $upgrading {
                default close;
                ~*upgrade upgrade;
            }
            server_names_hash_bucket_size 128;
            ssl_certificate certificate.pem;
            ssl_certificate_key key.pem;
            server {
                ${addresses.map(([address, port, tls]) => `listen ${address}:${
                    port}${tls ? " ssl http2" : ""};`).join("\n")}
                access_log nginx.log came;
                cors_policy guarded.json;
                location / { ${pass(application)} }
                location /open/ {
                    cors_policy open.json;
                    ${pass(application)}
                }
                location /listed/ {
                    cors_policy listed.json;
                    ${pass(application)}
                }
                location /callback/ {
                    cors_policy off;
                    ${pass(application)}
                }
            }
            ${proxies.map(({ way, port, host: { name, inner } }) => `server {
                listen 127.0.0.1:${proxy} ssl http2;
                ${lan ? `listen ${LAN}:${port};` : ""}
                server_name ${way}-${name}.localhost;
                access_log off;
                location / {
                    ${pass(inner)}
                    ${way === "kept"
                        ? "proxy_set_header Host $http_host;" : ""}
                }
            }`).join("\n")}
        }`;
}

function apacheConfiguration(
    { folder, asRoot, modules, module, application, addresses }) {
    const names = ["mpm_event", "unixd", "log_config", "authz_core", "proxy",
        "proxy_http", "ssl"];
    const load = names
        .filter((name) => fs.existsSync(`${modules}/mod_${name}.so`))
        .map((name) =>
            `LoadModule ${name}_module ${modules}/mod_${name}.so`);
    const secure = addresses.find(([, , tls]) => tls);
    return `
        ${load.join("\n")}
        LoadModule cors_module ${module}
        ServerRoot ${folder}
        ServerName localhost
        ${addresses.map(([address, port]) =>
            `Listen ${address}:${port}`).join("\n")}
        PidFile httpd.pid
        DefaultRuntimeDir ${folder}
        Mutex sem
        ${asRoot ? 'User "#65534"\nGroup "#65534"' : ""}
        StartServers 1
        ErrorLog error-apache.log
        LogFormat "%m %U %{Origin}i %{Sec-Fetch-Site}i %{Upgrade}i %>s" came
        CustomLog apache.log came
        ProxyPass / http://127.0.0.1:${application}/ upgrade=websocket
        CorsPolicy guarded.json
        <Location /open/>
            CorsPolicy open.json
        </Location>
        <Location /listed/>
            CorsPolicy listed.json
        </Location>
        <Location /callback/>
            CorsPolicy off
        </Location>
        <VirtualHost ${secure[0]}:${secure[1]}>
            SSLEngine on
            SSLCertificateFile certificate.pem
            SSLCertificateKeyFile key.pem
        </VirtualHost>
        `;
}
