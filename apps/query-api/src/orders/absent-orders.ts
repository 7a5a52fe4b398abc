import { HttpStatus, Injectable } from '@nestjs/common';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { notFound, Problem } from '#service/http/problem.js';

/** Explains why an order is not among the saved ones. */
@Injectable()
export class AbsentOrders {
  constructor(private readonly archived: ArchivedIds) {}

  /** @throws Problem 404 `order-archived` if the order is in an archive */
  async requireNotArchived(id: string): Promise<void> {
    const range = (await this.archived.find([id])).get(id);
    if (range === undefined) return;
    throw new Problem(
      HttpStatus.NOT_FOUND,
      'order-archived',
      `Order ${id} is archived, and archived orders are not here. It is in ${range.archive}: npm run admin -- archive read ${id} DIR prints it.`,
      { archive: range.archive },
    );
  }

  /** Returns the problem 404 for an order that does not exist or is not saved yet. */
  notSaved(id: string): Problem {
    return notFound(`There is no saved order ${id}.`);
  }
}
