import type { CompletionReceiverRow } from "../row.ts";

const json = ["content-type", "application/json"] as const;
const state = (value: string) => ["nexus-operation-state", value] as const;
const succeeded = [json, state("succeeded")] as const;

export const completionReceiverRows: readonly CompletionReceiverRow[] = [
  {
    id: "CO1",
    title: "succeeded, with token, times and links",
    completions: [
      {
        headers: [
          ...succeeded,
          ["nexus-operation-start-time", "Sat, 28 Nov 2026 10:00:00 GMT"],
          ["nexus-operation-close-time", "2026-11-28T10:00:01.123456789Z"],
          ["nexus-link", '<https://a.example/>; type="t"'],
        ],
        body: '{"rows":3}',
        status: 200,
      },
    ],
    outcome: 'succeeded:{"rows":3}',
  },
  {
    id: "CO3",
    title: "failed, the cause alone",
    completions: [
      { headers: [json, state("failed")], body: '{"message":"no stock"}', status: 200 },
    ],
    outcome: "failed:no stock",
  },
  {
    id: "CO3b",
    title: "canceled, a whole OperationError",
    completions: [
      {
        headers: [json, state("canceled")],
        body: '{"message":"gone","metadata":{"type":"nexus.OperationError"},"details":{"state":"canceled"}}',
        status: 200,
      },
    ],
    outcome: "canceled:gone",
  },
  {
    id: "CO8",
    title: "a state that is missing, running or misspelt",
    completions: [
      { headers: [json], body: "1", status: 400, message: 'invalid request operation state: ""' },
      ...["running", "Succeeded", "FAILED", "timed_out"].map((value) => ({
        headers: [json, state(value)],
        body: "1",
        status: 400,
        message: `invalid request operation state: "${value}"`,
      })),
    ],
  },
  {
    id: "CO9",
    title: "failed without a JSON type",
    completions: [
      {
        headers: [state("failed")],
        body: "{}",
        status: 400,
        message: 'invalid request content type: ""',
      },
      {
        headers: [["content-type", "text/plain"], state("failed")],
        body: "{}",
        status: 400,
        message: 'invalid request content type: "text/plain"',
      },
    ],
  },
  {
    id: "CO10",
    title: "failed with bad or empty JSON",
    completions: ["", "{", "[]", '"x"', '{"message":1}'].map((body) => ({
      headers: [json, state("failed")],
      body,
      status: 400,
      message: "failed to decode Failure from request body",
    })),
  },
  {
    id: "CO12",
    title: "failed with a HandlerError as body: it becomes the cause",
    completions: [
      {
        headers: [json, state("failed")],
        body: '{"message":"bad","metadata":{"type":"nexus.HandlerError"},"details":{"type":"BAD_REQUEST"}}',
        status: 200,
      },
    ],
    outcome: "failed:bad, caused by BAD_REQUEST",
  },
  {
    id: "CO13",
    title: "succeeded with nothing",
    completions: [{ headers: [state("succeeded")], body: "", status: 200 }],
    outcome: "succeeded:",
  },
  {
    id: "CO15",
    title: "a start time in another format",
    completions: [
      "Sat, 28 Nov 2026 10:00:00 +0000",
      "2026-11-28T10:00:00Z",
      "yesterday",
      "Sat, 31 Feb 2026 10:00:00 GMT",
    ].map((time) => ({
      headers: [...succeeded, ["nexus-operation-start-time", time]],
      body: "1",
      status: 400,
      message: "failed to parse operation start time header",
    })),
  },
  ...[
    ["CO15b", "Saturday, 28-Nov-26 10:00:00 GMT", "RFC 850"],
    ["CO15c", "Sat Nov 28 10:00:00 2026", "asctime"],
  ].map(([id = "", time = "", title = ""]): CompletionReceiverRow => ({
    id,
    title: `a start time in ${title}`,
    completions: [
      { headers: [...succeeded, ["nexus-operation-start-time", time]], body: "1", status: 200 },
    ],
    outcome: "succeeded:1",
  })),
  {
    id: "CO16",
    title: "a close time that is no RFC 3339",
    completions: [
      "Sat, 28 Nov 2026 10:00:00 GMT",
      "2026-11-28t10:00:00z",
      "2026-11-28 10:00:00Z",
      "2026-11-28T10:00:00",
      "2026-11-28T25:00:00Z",
    ].map((time) => ({
      headers: [...succeeded, ["nexus-operation-close-time", time]],
      body: "1",
      status: 400,
      message: "failed to parse operation close time header",
    })),
  },
  ...["2026-11-28T11:00:00+01:00", "2026-11-28T10:00:00,5Z", "2026-11-28T10:00:00.123456789Z"].map(
    (time, i): CompletionReceiverRow => ({
      id: `CO16${"bcd"[i] ?? ""}`,
      title: `a close time as ${time}`,
      completions: [
        { headers: [...succeeded, ["nexus-operation-close-time", time]], body: "1", status: 200 },
      ],
      outcome: "succeeded:1",
    }),
  ),
  {
    id: "CO18",
    title: "a bad link",
    completions: [
      {
        headers: [...succeeded, ["nexus-link", "<nonsense"]],
        body: "1",
        status: 400,
        message: "failed to decode links from request headers",
      },
    ],
  },
];
