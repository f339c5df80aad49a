// The echo service in C over libuv: callbacks, and a buffer for each connection.
//
//     libuv_echo PORT
//
// A connection reads, or waits for the rest of a write; never both. So one buffer is enough, and a
// client that does not read is not read from.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct connection {
    uv_tcp_t tcp;  // First, so that a pointer to the one is a pointer to the other.
    uv_write_t request;
    char bytes[64 * 1024];
};

static void start_reading(uv_stream_t *stream);

static void check(int result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
    exit(1);
}

static void on_close(uv_handle_t *handle) { free(handle); }

static void finish(uv_stream_t *stream) {
    if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, on_close);
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
    (void)wanted;
    struct connection *connection = (struct connection *)handle;
    *buffer = uv_buf_init(connection->bytes, sizeof connection->bytes);
}

static void on_written(uv_write_t *request, int status) {
    if (status < 0) {
        finish(request->handle);
    } else {
        start_reading(request->handle);
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    if (count < 0) finish(stream);
    if (count <= 0) return;
    int written = uv_try_write(stream, &(uv_buf_t){.base = buffer->base, .len = count}, 1);
    if (written == UV_EAGAIN) written = 0;
    if (written == count) return;
    if (written < 0) {
        finish(stream);
        return;
    }
    uv_read_stop(stream);
    uv_buf_t rest = uv_buf_init(buffer->base + written, count - written);
    struct connection *connection = (struct connection *)stream;
    if (uv_write(&connection->request, stream, &rest, 1, on_written) != 0) finish(stream);
}

static void start_reading(uv_stream_t *stream) {
    if (uv_read_start(stream, lend_buffer, on_read) != 0) finish(stream);
}

static void on_connection(uv_stream_t *listener, int status) {
    check(status, "listen");
    struct connection *connection = malloc(sizeof *connection);
    if (connection == NULL) check(UV_ENOMEM, "malloc");
    check(uv_tcp_init(listener->loop, &connection->tcp), "uv_tcp_init");
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    if (uv_accept(listener, stream) == 0) {
        start_reading(stream);
    } else {
        finish(stream);
    }
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: %s PORT\n", arguments[0]);
        return 64;
    }
    // A write to a client that is gone shall fail and not end the process.
    signal(SIGPIPE, SIG_IGN);
    uv_tcp_t listener;
    struct sockaddr_in address;
    check(uv_ip4_addr("127.0.0.1", atoi(arguments[1]), &address), "uv_ip4_addr");
    check(uv_tcp_init(uv_default_loop(), &listener), "uv_tcp_init");
    check(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0), "bind");
    check(uv_listen((uv_stream_t *)&listener, 1024, on_connection), "listen");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
