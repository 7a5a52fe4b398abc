// Every time-out, lease and session of what a spec starts is 30 times as long as its default: a busy machine passes none of them. A spec about
// a limit starts its own app with that limit low, or with a scale of 1.
process.env.TEST_TIME_LIMIT_SCALE ??= '30';
