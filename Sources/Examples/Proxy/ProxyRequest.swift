/// The head of an HTTP/1.x request as far as a CONNECT proxy needs it (RFC 9112, RFC 9110 §9.3.6).
struct ProxyRequest: Equatable {
    /// What is answered to a request that is not served.
    struct Refusal: Error, Equatable {
        let status: Int
        let reason: String
        init(_ status: Int, _ reason: String) {
            self.status = status
            self.reason = reason
        }
    }

    let method: String
    /// The target as it stands there: "example.org:443" or "/".
    let target: String

    /// Reads the first line of a head, without its end.
    ///
    /// Strict where a lenient parser could be made to see another request than the next one on the
    /// way: one space between words, and nothing that is not printed.
    init(_ line: String) throws(Refusal) {
        guard line.utf8.allSatisfy({ (32..<127).contains($0) }) else {
            throw Refusal(400, "not a line of HTTP")
        }
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words.allSatisfy({ !$0.isEmpty }),
            words[0].allSatisfy(\.isUppercase)
        else { throw Refusal(400, "not METHOD TARGET VERSION") }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
            throw Refusal(505, "only HTTP/1.0 and 1.1")
        }
        method = String(words[0])
        target = String(words[1])
    }

    /// The host and the port of a CONNECT: "[::1]:443" is "[::1]" and 443.
    func authority() throws(Refusal) -> (host: String, port: Int) {
        guard let colon = target.lastIndex(of: ":"), colon > target.startIndex,
            let port = UInt16(target[target.index(after: colon)...]), port > 0
        else { throw Refusal(400, "CONNECT needs HOST:PORT") }
        let host = String(target[..<colon])
        let isAllowed = host.allSatisfy { $0.isLetter || $0.isNumber || "-._:[]".contains($0) }
        // "unix" is a path to us, and a colon belongs between brackets.
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard isAllowed, host.utf8.count <= 255, host.lowercased() != "unix",
            isBracketed || !host.contains(":")
        else { throw Refusal(400, "no name of a host") }
        return (host, Int(port))
    }
}
