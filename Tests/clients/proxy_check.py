import http.server, subprocess, threading

from programs import LIMIT, needs, port


def curl(*words):
    return subprocess.run(["curl", "-sS", *words], capture_output=True, text=True, timeout=LIMIT)


def check_curl_reaches_a_server_and_is_refused_another(programs):
    needs("curl")
    with http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        server.RequestHandlerClass.log_message = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        number = server.server_address[1]
        with programs.serving(
                "proxy", "--listen", "127.0.0.1:0", "--allow-port", number) as proxy:
            through = ["-p", "-x", f"http://{proxy}"]
            done = curl(*through, f"http://127.0.0.1:{number}/")
            assert done.returncode == 0 and "Directory listing" in done.stdout, done
            done = curl(*through, "http://127.0.0.1:1/")
            assert done.returncode != 0 and "403" in done.stderr, done
            done = curl(f"http://127.0.0.1:{port(proxy)}/")
            assert done.returncode == 0 and "connections served now" in done.stdout, done
        server.shutdown()
