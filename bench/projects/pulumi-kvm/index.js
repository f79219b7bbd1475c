"use strict";
const guests = JSON.parse(process.env.BENCH_GUESTS);
if (guests.length > 0) {
  const { Domain } = require("pulumi-kvm");
  for (const guest of guests) new Domain(guest.name, guest);
}
