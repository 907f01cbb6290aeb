"""Adds the total to every order, and prints the number of batches."""

import sys

from pymongo import MongoClient, UpdateOne

uri, database = sys.argv[1:]
orders = MongoClient(uri)[database]["orders"]


def write(batch):
    orders.bulk_write(batch, ordered=False)
    return []


batch, batches = [], 0
for order in orders.find({}, {"lines.price": 1}, batch_size=1000):
    total = sum(line["price"] for line in order["lines"])
    batch.append(UpdateOne({"_id": order["_id"]}, {"$set": {"total": total}}))
    if len(batch) == 1000:
        batch, batches = write(batch), batches + 1
if batch:
    batch, batches = write(batch), batches + 1
print(batches)
