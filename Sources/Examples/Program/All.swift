// The table of contents: what `example` lists and finds.

extension Program {
    /// Every program, in the order of the course.
    package static let all = [
        echo, upper, keyboard, framed, remote, auth, files, chat, forward, proxy, workers,
        servers, tftp, time, names, sntp, ping, discover,
    ]
}
