/// What a client of an inspection asks for, read from the first line that it sends, and the answer.
///
///     (nothing)                   text
///     json                        JSON
///     metrics                     metrics for Prometheus
///     any other line              text
///     GET /json HTTP/1.1          a response of HTTP (RFC 9112), and then the end: no client needs
///                                 a connection for long here
struct InspectionRequest: Equatable {
    /// In which form the answer is.
    enum Form: String {
        case text, json, metrics
    }

    /// What HTTP says of a request; without HTTP everything is `.ok`.
    enum Status: Int {
        case ok = 200
        case notFound = 404
        case methodNotAllowed = 405
        case headTooLong = 431
        case versionNotSupported = 505
    }

    private(set) var form = Form.text
    private(set) var isHTTP = false
    /// Whether the answer has no body (HEAD).
    private(set) var isHead = false
    private(set) var status = Status.ok

    /// That of a client that says nothing.
    static let silent = InspectionRequest()
    /// One whose head is longer than anything that means something here.
    static let tooLong = InspectionRequest(.headTooLong)

    private init() {}

    private init(_ status: Status) {
        isHTTP = true
        self.status = status
    }

    /// Reads the first line of a request, without its end.
    init(_ line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/") else {
            form = Form(rawValue: line.filter { !$0.isWhitespace }) ?? .text
            return
        }
        isHTTP = true
        isHead = words[0] == "HEAD"
        if !words[2].hasPrefix("HTTP/1.") {
            status = .versionNotSupported
        } else if !isHead, words[0] != "GET" {
            status = .methodNotAllowed
        } else if let form = InspectionRequest.form(at: InspectionRequest.path(of: words[1])) {
            self.form = form
        } else {
            status = .notFound
        }
    }

    /// The form that is found at a path.
    private static func form(at path: Substring) -> Form? {
        switch path {
        case "/": .text
        case "/json": .json
        case "/metrics": .metrics
        default: nil
        }
    }

    /// The path of a target, which may be a whole URI, and without its query.
    private static func path(of target: Substring) -> Substring {
        var path = target.prefix { $0 != "?" }
        if path.hasPrefix("http://") {
            path = path.dropFirst("http://".count).drop { $0 != "/" }
            if path.isEmpty { return "/" }
        }
        return path
    }

    /// The answer, of which `body` is the inspection in the form that was asked for.
    func answer(_ body: String) -> String {
        if !isHTTP { return body }
        let body = status == .ok ? body : "\(status.rawValue) \(reason)\n"
        let allow = status == .methodNotAllowed ? "Allow: GET, HEAD\r\n" : ""
        return """
            HTTP/1.1 \(status.rawValue) \(reason)\r
            Content-Type: \(contentType)\r
            Content-Length: \(body.utf8.count)\r
            Cache-Control: no-store\r
            Connection: close\r
            \(allow)\r
            \(isHead ? "" : body)
            """
    }

    private var contentType: String {
        switch form {
        case .text: "text/plain; charset=utf-8"
        case .json: "application/json"
        case .metrics: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    private var reason: String {
        switch status {
        case .ok: "OK"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .headTooLong: "Request Header Fields Too Large"
        case .versionNotSupported: "HTTP Version Not Supported"
        }
    }
}
