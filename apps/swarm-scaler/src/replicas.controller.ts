import { Body, Controller, Get, Put } from '@nestjs/common';
import { z } from 'zod';
import { ScaledService, type Replicas } from './scaled-service.js';

const WantedSchema = z.strictObject({ replicas: z.int().min(0) }).meta({ title: 'WantedReplicas' });
type Wanted = z.infer<typeof WantedSchema>;

/** Reads and sets the number of consumers. */
@Controller('consumers/replicas')
export class ReplicasController {
  constructor(private readonly consumers: ScaledService) {}

  @Get()
  async read(): Promise<Replicas> {
    return this.consumers.read();
  }

  @Put()
  async scale(@Body({ schema: WantedSchema }) { replicas }: Wanted): Promise<Replicas> {
    return this.consumers.scale(replicas);
  }
}
